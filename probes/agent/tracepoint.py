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


def read_fields(event: str, wanted: tuple[str, ...], tracefs: Path = TRACEFS) -> dict[str, Field]:
    """Return the `wanted` fields of `event` ("group:name").

    Raises UnsupportedError when the kernel has no such tracepoint, or it lacks a field or gives
    it a size no integer has.
    """
    group, _, name = event.partition(":")
    path = tracefs / "events" / group / name / "format"
    try:
        fields = parse_format(path.read_text())
    except OSError as error:
        raise UnsupportedError(
            f"this kernel has no tracepoint {event} ({error.strerror}: {path}): "
            "load the kvm module, or use a kernel with CONFIG_KVM and CONFIG_TRACEPOINTS"
        ) from error
    for field in wanted:
        if field not in fields or fields[field].size not in (1, 2, 4, 8):
            raise UnsupportedError(
                f"tracepoint {event} has no integer field `{field}` on this kernel (it has "
                f"{', '.join(sorted(fields))}): this probe needs to learn that kernel's form"
            )
    return {field: fields[field] for field in wanted}


def flags(event: str, wanted: tuple[str, ...], tracefs: Path = TRACEFS) -> list[str]:
    """Return the -D flags that tell a program where the fields of `event` are."""
    prefix = event.partition(":")[2].upper()
    options = []
    for field in read_fields(event, wanted, tracefs).values():
        options.append(f"-D{prefix}_{field.name.upper()}_OFFSET={field.offset}")
        options.append(f"-D{prefix}_{field.name.upper()}_TYPE={field.c_type}")
    return options
