"""The packages inside an emulated host, read from packages.toml."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("packages.toml")


@cache
def host_packages() -> frozenset[str]:
    """Debian packages inside every emulated host."""
    lists = tomllib.loads(FILE.read_text())["host"]
    return frozenset(name for names in lists.values() for name in names)
