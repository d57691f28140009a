"""The KVM lab: `load` runs, `query` all of them with SQL, read `nights` back from a store.

`Results` has what runs measured: tables, effects, pictures, and what other settings would have
done (`Simulation`). `Nights` has what was measured night after night, and what changed.
Importing this is cheap; pandas and DuckDB come with the first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.chronicle import Nights, nights
    from lab.results import Results, load
    from lab.simulation import Simulation
    from lab.store.index import query

__all__ = ["Nights", "Results", "Simulation", "load", "nights", "query"]

_HOME = {
    "Nights": "lab.chronicle",
    "Results": "lab.results",
    "Simulation": "lab.simulation",
    "load": "lab.results",
    "nights": "lab.chronicle",
    "query": "lab.store.index",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'lab' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
