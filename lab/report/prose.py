"""An experiment's analysis text as paragraphs and lists, for a template to lay out."""

from __future__ import annotations

import re
import textwrap
import tomllib
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup, escape

from lab.store.layout import EXPERIMENT

CODE = re.compile(r"`([^`]+)`")
LIST_AFTER_TEXT = re.compile(r"(?m)^(?!- |\s)(.+)\n- ")


@dataclass(frozen=True)
class Block:
    """A paragraph, or the items of a list."""

    kind: str
    texts: tuple[str, ...]


def marked(text: str) -> Markup:
    """Return `text` as HTML, escaped, with what stands between backticks as code."""
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704  (escaped first)


def analysis(run: Path) -> list[Block]:
    """Return the analysis of a run's experiment; nothing when its file is not there or broken."""
    try:
        text = tomllib.loads((run / EXPERIMENT).read_text(encoding="utf-8")).get("analysis", "")
    except (OSError, ValueError):
        return []
    return blocks(text)


def blocks(text: str) -> list[Block]:
    """Cut text at empty lines and before lists; the items of a list start with `- `."""
    found = []
    apart = LIST_AFTER_TEXT.sub(r"\1\n\n- ", textwrap.dedent(text).strip())
    for part in apart.split("\n\n"):
        lines = part.strip().splitlines()
        if lines and lines[0].startswith("- "):
            items = "\n".join(lines)[2:].split("\n- ")
            found.append(Block("list", tuple(" ".join(item.split()) for item in items)))
        elif lines:
            found.append(Block("paragraph", (" ".join(part.split()),)))
    return found
