"""Load eBPF programs with the distribution's bcc."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from agent import headers, namespace
from agent.errors import UnsupportedError

PROGRAMS = Path(__file__).resolve().parent.parent / "bpf"
_INCLUDE = re.compile(r'#include "(.*)"')


def prepare(home: Path) -> str:
    """Make this process able to load programs; return which kernel headers serve.

    Raises UnsupportedError without root, tracefs, bcc or headers, each with its mend.
    """
    namespace.enter()
    used = headers.provide(home)
    version()
    return used


def version() -> str:
    try:
        import bcc  # noqa: PLC0415  (may be missing, and is only wanted here)
    except ImportError as error:
        raise UnsupportedError(
            f"the distribution's bcc cannot be imported ({error}): provision this host, or install "
            "python3-bpfcc (Debian, Ubuntu) or python3-bcc (Fedora, RHEL, SUSE)"
        ) from error
    return str(getattr(bcc, "__version__", "unknown"))


def load(sources: list[str], flags: list[str]) -> Any:  # noqa: ANN401  (bcc has no types)
    """Compile and load the files of bpf/ named, as one program, with `flags`.

    Raises UnsupportedError when the compiler refuses.
    """
    from bcc import BPF  # noqa: PLC0415

    text = merge(sources)
    try:
        return BPF(text=text.encode(), cflags=[f"-I{PROGRAMS}", *flags])
    except Exception as error:
        # bcc raises bare Exception; its compiler's words have gone to stderr, the agent's log.
        names = ", ".join(sources)
        raise UnsupportedError(f"bcc cannot compile {names} here: {error}") from error


def merge(sources: list[str], programs: Path = PROGRAMS) -> str:
    """Return the sources as one text, each header in quotes in the place of its first #include.

    bcc turns the methods of maps into calls in the main file only (src/cc/frontends/clang).
    """
    seen: set[str] = set()

    def expand(name: str) -> str:
        if name in seen:
            return ""
        seen.add(name)
        lines = [f'#line 1 "{name}"']
        for number, line in enumerate((programs / name).read_text().splitlines(), 1):
            header = _INCLUDE.match(line)
            if header:
                lines += [expand(header[1]), f'#line {number + 1} "{name}"']
            else:
                lines.append("" if line == "#pragma once" else line)
        return "\n".join(lines)

    return "\n".join(map(expand, sources)) + "\n"
