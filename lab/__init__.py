"""The KVM lab: `load` runs into tidy tables, `query` them with SQL.

Importing this is cheap; pandas and DuckDB come with the first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.results import Results, load
    from lab.store.index import query

__all__ = ["Results", "load", "query"]

_HOME = {"Results": "lab.results", "load": "lab.results", "query": "lab.store.index"}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'lab' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
