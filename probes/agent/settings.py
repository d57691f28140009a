"""A file that holds a setting of the whole host: shown, written, read back.

The journal puts each kind back by its name, so a kind's name is part of the journal's format.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar, Union

from agent.errors import AgentError
from agent.files import read_text

Value = Union[int, str]


class Text:
    """A file that shows the text that was written to it."""

    kind = "text"

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path

    def show(self) -> Value | None:
        """Return the value in force, or None where the kernel does not tell."""
        return read_text(self.path)

    def write(self, value: Value) -> None:
        """Set it and read it back; AgentError when the kernel does not take it."""
        try:
            self.path.write_text(f"{value}\n")
        except OSError as error:
            raise AgentError(f"{self.path} does not take {value}: {error.strerror}") from error
        if self.show() != value:
            raise AgentError(f"{self.path} shows {self.show()} after {value} was written")


class Number(Text):
    """A file that shows the whole number that was written to it."""

    kind = "number"

    def show(self) -> int | None:
        text = read_text(self.path)
        return int(text) if text is not None and text.lstrip("-").isdigit() else None


class Choice(Text):
    """A file that shows all it takes, with brackets around what is in force."""

    kind = "choice"

    def show(self) -> str | None:
        chosen = re.search(r"\[(.+?)\]", read_text(self.path) or "")
        return chosen[1] if chosen else None


class Cpuset(Text):
    """A cgroup's `cgroup.subtree_control`, as far as it is about the controller cpuset."""

    kind = "cpuset"
    ON: ClassVar[str] = "+cpuset"
    OFF: ClassVar[str] = "-cpuset"

    def show(self) -> str | None:
        controllers = read_text(self.path)
        if controllers is None:
            return None
        return self.ON if "cpuset" in controllers.split() else self.OFF


KINDS: dict[str, type[Text]] = {kind.kind: kind for kind in (Text, Number, Choice, Cpuset)}
