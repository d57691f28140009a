"""Two sides of a selection, compared as far as that is honest.

Settings of one run share its blocks and are `paired`. Runs and kernels on one host share the
host, and are `unpaired`. Hosts and architectures share nothing but the question, and are compared
by their `effects`; so are kernels that ran on different hosts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

import pandas as pd

from lab.errors import UsageError
from lab.labels import setting_label
from lab.metrics import PRIMARY, metric
from lab.results import load
from lab.selector import COLUMNS, KNOB, SETTING, Selection, Values, chosen, find_runs, narrowed
from lab.stats import Comparison, Comparisons, compare
from lab.stats.compare import MARGIN
from lab.stats.evidence import How
from lab.stats.interval import RESAMPLES, SEED
from lab.stats.noise import Key, noise
from lab.stats.verdict import Noise
from lab.store.read import read_plan
from lab.versus import effects, paired, unpaired
from lab.versus.model import Answer, Method, Row

__all__ = ["Answer", "Method", "Row", "answer"]

Comparing = Callable[[pd.DataFrame, str], Comparisons]
"""Compares the settings of one run's tidy table with a reference."""
OF_ROWS = {"workload", "metric", SETTING}
"""Keys that narrow what is shown; the others narrow the trials that are compared."""
INCOMPARABLE = {
    "workload": "workloads ask different questions",
    "metric": "metrics measure different things",
    "clock": "results of different clock classes are never compared",
}


def answer(selection: Selection, store: Path, executor: Executor | None = None) -> Answer:
    """Compare the sides of a selection, or every setting with each run's reference without any.

    Many comparisons are shared out by `executor`, as `lab.stats.compare` does.
    Raises UsageError for what is not there and for sides that cannot be compared.
    """
    if selection.compared in INCOMPARABLE:
        raise UsageError(
            f"{selection.compared}= is given twice, and {INCOMPARABLE[selection.compared]}: "
            "compare settings, runs, kernels, hosts or architectures"
        )
    selection, paths = find_runs(selection, store)
    trials = load(*paths, store=store).trials
    references = {path.name: setting_label(read_plan(path)["reference"]) for path in paths}
    for key, values in selection.narrow.items():
        if not _is_of_rows(key):
            trials = narrowed(trials, key, values)
    if trials.empty:
        raise UsageError("no trial is all of this at once: leave a term out")
    comparing = partial(compare, metrics=_metrics(selection, trials), executor=executor)
    rows, remarks = _rows(selection, trials, references, comparing)
    kept = list(_kept(rows, selection, trials))
    if not kept:
        raise UsageError("the two sides have nothing in common that this asks for")
    return Answer(_title(selection), kept, tuple(remarks))


def _rows(
    selection: Selection,
    trials: pd.DataFrame,
    references: dict[str, str],
    comparing: Comparing,
) -> tuple[list[Row], list[str]]:
    key = selection.compared
    if key is None:
        found = _compared(trials, references, comparing)
        return [paired.row(each) for each in found], [paired.REMARK]
    first, second = (chosen(trials, key, side) for side in selection.sides)
    if _is_setting(key):
        return _settings(trials, key, first, second, comparing), [paired.REMARK]
    column = trials[COLUMNS[key]]
    one, other = trials[column.isin(first)], trials[column.isin(second)]
    if key in {"run", "kernel"} and set(_hosts(one)) & set(_hosts(other)):
        remarks = [unpaired.REMARK]
        if min(len(set(side["run"])) for side in (one, other)) == 1:
            remarks.append(unpaired.ONE_RUN)
        names = _metrics(selection, trials)
        return unpaired.rows(one, other, names, _floors([one, other], references, names)), remarks
    sides = [list(_compared(side, references, comparing)) for side in (one, other)]
    rows = effects.rows(*sides)
    remarks = [effects.REMARK]
    if any(row.method == Method.SIDE_BY_SIDE for row in rows):
        remarks.append(effects.SIDE_BY_SIDE)
    if any(len(set(side["host"])) == 1 for side in (one, other)):
        remarks.append(effects.ONE_HOST)
    if key == "kernel":
        remarks.append("The kernels ran on different hosts: what the host does is in the change.")
    return rows, remarks


def _settings(
    trials: pd.DataFrame,
    key: str,
    first: Sequence[str],
    second: Sequence[str],
    comparing: Comparing,
) -> list[Row]:
    """Compare one setting with another, in every run that has both."""
    for side in (first, second):
        if len(side) > 1:
            raise UsageError(
                f"{key}= means {len(side)} settings: name one with {SETTING}=LABEL, of "
                + "; ".join(side)
            )
    (reference,), (setting,) = first, second
    runs = [run for _, run in trials.groupby("run", sort=False)]
    both = [run for run in runs if {reference, setting} <= set(run["setting"])]
    found = (each for run in both for each in comparing(run, reference))
    return [paired.row(each) for each in found if each.setting == setting]


def _compared(
    trials: pd.DataFrame, references: dict[str, str], comparing: Comparing
) -> Iterator[Comparison]:
    """Compare every setting of each run with the reference of its plan."""
    for name, run in trials.groupby("run", sort=False):
        if references[str(name)] in set(run["setting"]):
            yield from comparing(run, references[str(name)])


def _floors(
    sides: Sequence[pd.DataFrame], references: dict[str, str], names: Sequence[str]
) -> dict[Key, Noise]:
    """How far hosts differ from themselves within a run, from the A/A arms of both sides."""
    wanted = [metric(name) for name in names]
    found: dict[Key, Noise] = {}
    for reference in dict.fromkeys(references.values()):
        runs = [name for name, each in references.items() if each == reference]
        trials = pd.concat([side[side["run"].isin(runs)] for side in sides])
        found |= noise(trials, reference, wanted, How(MARGIN, SEED, RESAMPLES))
    return found


def _metrics(selection: Selection, trials: pd.DataFrame) -> list[str]:
    """Metrics to compare: the primary ones, and others that are asked for."""
    values = selection.narrow.get("metric")
    asked = chosen(trials, "metric", values) if values else []
    return list(dict.fromkeys([*PRIMARY, *asked]))


def _kept(rows: Iterable[Row], selection: Selection, trials: pd.DataFrame) -> Iterator[Row]:
    """Keep what is to be shown; p values are corrected over all that was compared."""
    wanted: dict[str, set[str]] = {}
    for key, values in selection.narrow.items():
        if _is_of_rows(key):
            name = "setting" if _is_setting(key) else key
            found = set(chosen(trials, key, values))
            wanted[name] = wanted.get(name, found) & found
    for row in rows:
        if all(getattr(row, name) in values for name, values in wanted.items()):
            yield row


def _is_setting(key: str) -> bool:
    return key == SETTING or key.startswith(KNOB)


def _is_of_rows(key: str) -> bool:
    return key in OF_ROWS or _is_setting(key)


def _hosts(trials: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    """Yield hosts with what would make them another host."""
    return (
        trials[["host", "architecture", "clock_class"]]
        .drop_duplicates()
        .itertuples(index=False, name=None)
    )


def _title(selection: Selection) -> str:
    if not selection.compared:
        return "every setting against the reference"
    first, second = (_side(selection.compared, side) for side in selection.sides)
    return f"{second} against {first}"


def _side(key: str, values: Values) -> str:
    return f"{key}={','.join(values)}"
