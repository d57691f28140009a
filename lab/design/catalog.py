"""Names, scopes and ranges of knobs, guests and intervals, as the agent knows them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

from lab.paths import PROBES


@dataclass(frozen=True)
class Knob:
    """One entry of `probes/catalog.json`; `mechanism` is what a write goes to."""

    name: str
    scope: str
    unit: str
    minimum: int
    maximum: int
    mechanism: str
    description: str


@dataclass(frozen=True)
class Tuning:
    """One way to tune a host: `values` it takes (any word if empty), files it writes or moves."""

    values: tuple[str, ...]
    targets: tuple[str, ...]
    description: str


@dataclass(frozen=True)
class Catalog:
    """What may be named in an experiment: `guests` and `intervals` map to their parameters.

    What an inventory may ask of a host is in `tuning`.
    """

    knobs: dict[str, Knob]
    guests: dict[str, tuple[str, ...]]
    intervals: dict[str, tuple[str, ...]]
    tuning: dict[str, Tuning]


@cache
def catalog() -> Catalog:
    document = json.loads((PROBES / "catalog.json").read_text())
    return Catalog(
        knobs={name: Knob(name, **entry) for name, entry in document["knobs"].items()},
        guests={name: tuple(entry["parameters"]) for name, entry in document["guests"].items()},
        intervals={name: tuple(fields) for name, fields in document["intervals"].items()},
        tuning={
            name: Tuning(
                tuple(entry["values"] or ()),
                (entry["target"], *entry["disturbs"]),
                entry["description"],
            )
            for name, entry in document["tuning"].items()
        },
    )
