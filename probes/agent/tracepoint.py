"""Tracepoints as the running kernel describes them: events/<group>/<name>/format."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.errors import UnsupportedError
from agent.namespace import TRACEFS

if TYPE_CHECKING:
    from pathlib import Path

_FIELD = re.compile(
    r"field:(?P<declaration>[^;]+);\s*offset:(?P<offset>\d+);\s*size:(?P<size>\d+);\s*signed:(?P<signed>[01]);"
)


@dataclass(frozen=True)
class Event:
    """A tracepoint, what the eBPF program does at it, and what is lost without it.

    `refines`: it tells more of the exit being handled, in the field named so; `""` when that it
    happened tells all. `blind` maps a phase or exit class to the sentence that says why it cannot
    be seen on a kernel without this tracepoint; None makes the tracepoint essential.
    """

    name: str
    function: str
    fields: tuple[str, ...] = ()
    refines: str | None = None
    blind: dict[str, str] | None = None

    @property
    def prefix(self) -> str:
        return self.name.partition(":")[2].upper()


@dataclass(frozen=True)
class Field:
    name: str
    offset: int
    size: int
    signed: bool

    @property
    def c_type(self) -> str:
        return f"{'s' if self.signed else 'u'}{self.size * 8}"


def parse_format(text: str) -> dict[str, Field]:
    """Return the fields of a format file by name."""
    fields = {}
    for match in _FIELD.finditer(text):
        name = match["declaration"].split()[-1].partition("[")[0]
        fields[name] = Field(name, int(match["offset"]), int(match["size"]), match["signed"] == "1")
    return fields


def read_format(event: str, tracefs: Path = TRACEFS) -> str | None:
    """Return the format file of `event` ("group:name"), or None when there is no such event."""
    group, _, name = event.partition(":")
    try:
        return (tracefs / "events" / group / name / "format").read_text()
    except OSError:
        return None


def read_fields(event: Event, tracefs: Path = TRACEFS) -> dict[str, Field]:
    """Return the fields of `event` that the probe reads.

    Raises UnsupportedError when the kernel has no such tracepoint, or it lacks a field or gives
    it a size no integer has.
    """
    text = read_format(event.name, tracefs)
    if text is None:
        raise UnsupportedError(
            f"this kernel has no tracepoint {event.name} below {tracefs}/events: "
            "load the kvm module, or use a kernel with CONFIG_KVM and CONFIG_FTRACE_SYSCALLS"
        )
    fields = parse_format(text)
    for field in event.fields:
        if field not in fields or fields[field].size not in (1, 2, 4, 8):
            raise UnsupportedError(
                f"tracepoint {event.name} has no integer field `{field}` on this kernel (it has "
                f"{', '.join(sorted(fields))}): this probe needs to learn that kernel's form"
            )
    return {field: fields[field] for field in event.fields}


def flags(event: Event, tracefs: Path = TRACEFS) -> list[str]:
    """Return the -D flags that tell a program where the fields of `event` are."""
    options = []
    for field in read_fields(event, tracefs).values():
        options.append(f"-D{event.prefix}_{field.name.upper()}_OFFSET={field.offset}")
        options.append(f"-D{event.prefix}_{field.name.upper()}_TYPE={field.c_type}")
    return options


def no_flags(event: Event) -> list[str]:
    """Return flags that let a program compile whose function for `event` is never attached."""
    options = []
    for field in event.fields:
        options.append(f"-D{event.prefix}_{field.upper()}_OFFSET=0")
        options.append(f"-D{event.prefix}_{field.upper()}_TYPE=u64")
    return options
