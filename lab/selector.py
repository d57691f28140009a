"""What `kvmlab compare` is asked: terms that narrow trials, and the two sides of one key.

    arch=arm64 setting.halt_poll_ns=0 setting.halt_poll_ns=200000

A term is `key=value`; a word without `=` is `run=word`. A key given once narrows. A key given
twice says what is compared: the second value against the first. A value may be several, with
commas (any of them), and patterns with `*` and `?`; only `setting=` takes one label as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from lab import arch
from lab.errors import UsageError
from lab.labels import knobs_of
from lab.store.read import find_run, runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

RUN, SETTING, KNOB = "run", "setting", "setting."
COLUMNS = {
    RUN: "run",
    "host": "host",
    "arch": "architecture",
    "kernel": "kernel",
    "clock": "clock_class",
    "workload": "workload",
    "metric": "metric",
    SETTING: "setting",
}
KEYS = ", ".join([*COLUMNS, f"{KNOB}KNOB"])
LATEST = "latest"

Values = tuple[str, ...]


@dataclass(frozen=True)
class Selection:
    """What to look at: of the keys of `narrow`, trials that have any of the values.

    `sides` are the two values (or sets of them) of the key `compared`, where there is one.
    """

    narrow: Mapping[str, Values]
    compared: str | None
    sides: tuple[Values, ...]

    @property
    def names_runs_only(self) -> bool:
        """Whether nothing is narrowed but the runs, and nothing is compared by a key."""
        return not self.compared and self.narrow.keys() <= {RUN}


def parse(terms: Iterable[str]) -> Selection:
    """Read terms; UsageError names the one that is wrong and what there is."""
    given: dict[str, list[Values]] = {}
    for term in terms:
        key, equals, value = term.partition("=")
        if not equals:
            key, value = RUN, term
        if key not in COLUMNS and not (key.startswith(KNOB) and key != KNOB):
            raise UsageError(f"no key {key!r} in {term!r}: there are {KEYS}")
        if not value:
            raise UsageError(f"{term!r} has no value: say {key}=VALUE")
        values = (value,) if key == SETTING else tuple(filter(None, value.split(",")))
        given.setdefault(key, []).append(values)
    many = [key for key, values in given.items() if len(values) > 1]
    if len(many) > 1:
        raise UsageError(
            f"{' and '.join(many)} are given twice each: one key at a time can be compared"
        )
    for key in many:
        if len(given[key]) > 2:  # noqa: PLR2004
            raise UsageError(
                f"{key}= is given {len(given[key])} times: once narrows (several values with "
                "commas), twice compares"
            )
    return Selection(
        narrow={key: values[0] for key, values in given.items() if key not in many},
        compared=many[0] if many else None,
        sides=tuple(given[many[0]]) if many else (),
    )


def find_runs(selection: Selection, store: Path) -> tuple[Selection, list[Path]]:
    """Find the runs that are asked for: all of the store where none is named.

    Returns the selection with runs by their folders' names, and the folders. Raises UsageError
    for a run that is not there.
    """
    there = runs(store)

    def folders(values: Values) -> list[Path]:
        return list(dict.fromkeys(path for each in values for path in _runs(each, there, store)))

    if selection.compared == RUN:
        sides = [folders(side) for side in selection.sides]
        named = replace(selection, sides=tuple(tuple(p.name for p in side) for side in sides))
        return named, list(dict.fromkeys(path for side in sides for path in side))
    if RUN not in selection.narrow:
        return selection, there or [find_run(LATEST, store)]
    found = folders(selection.narrow[RUN])
    names = {**selection.narrow, RUN: tuple(path.name for path in found)}
    return replace(selection, narrow=names), found


def _runs(value: str, there: Sequence[Path], store: Path) -> list[Path]:
    if value == LATEST and there:
        return [there[-1]]
    matching = [path for path in there if fnmatchcase(path.name, value)]
    return matching or [find_run(value, store)]


def chosen(trials: pd.DataFrame, key: str, values: Values) -> list[str]:
    """Values of a key's column that are meant, in the order of the table.

    For a knob, the labels of settings that give it one of these values. Raises UsageError for
    a value that no trial has and for a knob that is not there, with what there is.
    """
    if key.startswith(KNOB):
        return _settings(trials, key, values)
    column = trials[COLUMNS[key]].dropna()
    there = list(dict.fromkeys(column))
    found: list[str] = []
    for value in values:
        matching = [each for each in there if _means(key, value, each)]
        if not matching:
            raise UsageError(f"no trial has {key}={value}: there are {_listed(key, there)}")
        found += matching
    return list(dict.fromkeys(found))


def narrowed(trials: pd.DataFrame, key: str, values: Values) -> pd.DataFrame:
    """Trials that have one of `values` of `key`."""
    column = "setting" if key.startswith(KNOB) else COLUMNS[key]
    return trials[trials[column].isin(chosen(trials, key, values))]


def _means(key: str, value: str, there: str) -> bool:
    if key in {RUN, SETTING}:
        return value == there
    if key == "arch":
        known = arch.named(there)
        return value in {there, known.title if known else there}
    return fnmatchcase(there, value)


def _listed(key: str, there: Sequence[str]) -> str:
    titles = {each: arch.named(each) for each in there} if key == "arch" else {}
    names = [known.title if (known := titles.get(each)) else each for each in there]
    return ("; " if key == SETTING else ", ").join(names) or "none"


def _settings(trials: pd.DataFrame, key: str, values: Values) -> list[str]:
    name = key.removeprefix(KNOB)
    knobs = knobs_of(trials.columns)
    meant = [knob for knob in knobs if name in {knob, knob.partition(".")[2]}]
    if not meant:
        raise UsageError(f"no setting has a knob {name}: there are {', '.join(knobs) or 'none'}")
    if len(meant) > 1:
        raise UsageError(f"{key} could be {' or '.join(KNOB + knob for knob in meant)}: say which")
    (knob,) = meant
    column = trials[knob].dropna()
    found: list[str] = []
    for value in values:
        matching = column[column.astype(str) == value]
        if matching.empty:
            there = ", ".join(map(str, sorted(set(column))))
            raise UsageError(f"no trial has {key}={value}: there are {there}")
        found += dict.fromkeys(trials.loc[matching.index, "setting"])
    return list(dict.fromkeys(found))
