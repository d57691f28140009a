"""The lists of distribution packages, read from packages.toml."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("packages.toml")


@cache
def _lists() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(FILE.read_text())


def controller_packages() -> tuple[str, ...]:
    """Debian packages the machine that emulates must have."""
    return tuple(sorted({name for names in _lists()["controller"].values() for name in names}))


def host_packages() -> tuple[str, ...]:
    """Debian packages inside every emulated host."""
    return tuple(sorted({name for names in _lists()["host"].values() for name in names}))
