"""Settings beside their reference, block by block: from the tidy table to arrays.

Made for tables of ten million rows: columns become codes once, and everything after is sorting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lab.labels import knobs_of
from lab.stats.model import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lab.metrics import Metric
    from lab.stats.location import Floats

Codes = NDArray[np.int64]
UNMEASURED = {"inert": Verdict.INERT, "missing": Verdict.MISSING}
OF_A_GROUP = ["run", "host", "architecture", "clock_class", "workload", "guest"]


@dataclass(frozen=True)
class Pairs:
    """One entry for each run x host x workload x metric x setting but the reference, in that order.

    `groups` has a row for each run x host x workload, and `group`, `metric` and `setting` say which
    of them, of the metrics asked for and of `settings` a pair is. The blocks that have both values
    are `treated`, `reference` and `boot` from `start` on, `n` of them, in the order of blocks.
    `unmeasured` says by position why a pair has no values, or cannot differ.
    """

    groups: pd.DataFrame
    settings: list[str]
    group: Codes
    metric: Codes
    setting: Codes
    start: Codes
    n: Codes
    treated: Floats
    reference: Floats
    boot: Codes
    unmeasured: dict[int, tuple[Verdict | None, str]]


def pair(
    trials: pd.DataFrame, counted: pd.Series[bool], reference: str, metrics: Sequence[Metric]
) -> Pairs:
    """Pair the trials that are `counted`; several of one cell in a block are their median.

    Groups come in the order of their first trial, counted or not: that of the plan.
    """
    kept = counted.to_numpy()
    group, groups = _groups(trials)
    setting, settings = _settings(trials)
    base = settings.index(reference)
    wanted = _applying(groups["guest"], metrics)
    cells = np.unique(group[kept] * len(settings) + setting[kept])
    cells = cells[cells % len(settings) != base]
    # Each cell of a group with each metric that its guest has, in the order of the columns.
    cell, metric = np.nonzero(wanted[cells // len(settings)])
    of_group, of_setting = cells[cell] // len(settings), cells[cell] % len(settings)
    order = np.lexsort((of_setting, metric, of_group))
    of_group, metric, of_setting = of_group[order], metric[order], of_setting[order]
    wide = (len(metrics), len(settings))
    key = (of_group * wide[0] + metric) * wide[1] + of_setting
    values = _values(trials, kept, group, setting, metrics, wide)
    treated, start, n = _beside(values, key, wide[1], base)
    found = Pairs(
        groups,
        settings,
        of_group,
        metric,
        of_setting,
        start,
        n,
        values.value[treated[0]],
        values.value[treated[1]],
        values.boot[treated[0]],
        {},
    )
    found.unmeasured.update(_unmeasured(trials, kept, group, found, base, metrics))
    return found


@dataclass(frozen=True)
class _Values:
    """Values of cells by block, sorted by `key` (group, metric, setting) and `block`."""

    key: Codes
    block: Codes
    boot: Codes
    value: Floats


def _groups(trials: pd.DataFrame) -> tuple[Codes, pd.DataFrame]:
    """Give each run x host x workload its number, runs together, and its first trial's facts."""
    code = np.zeros(len(trials), np.int64)
    for column in ("run", "host", "workload"):
        codes, names = pd.factorize(trials[column])
        code = code * max(len(names), 1) + codes
    number, first = pd.factorize(code)[0], np.flatnonzero(~pd.Series(code).duplicated().to_numpy())
    described = trials[OF_A_GROUP].iloc[first].reset_index(drop=True)
    runs = pd.factorize(described["run"])[0]
    order = np.argsort(runs, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    return rank[number], described.iloc[order].reset_index(drop=True)


def _settings(trials: pd.DataFrame) -> tuple[Codes, list[str]]:
    """Give each setting its number, in the order of the knobs as numbers."""
    codes, names = pd.factorize(trials["setting"])
    first = np.flatnonzero(~pd.Series(codes).duplicated().to_numpy())
    knobs = [*knobs_of(trials.columns), "setting"]
    order = trials[knobs].iloc[first].reset_index(drop=True).sort_values(knobs).index.to_numpy()
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    return rank[codes], [str(names[each]) for each in order]


def _applying(guests: pd.Series[str], metrics: Sequence[Metric]) -> NDArray[np.bool_]:
    """Tell which metrics the guests have: (groups, metrics)."""
    known = {guest: [guest in each.guests for each in metrics] for guest in guests.unique()}
    return np.array([known[guest] for guest in guests], dtype=bool).reshape(-1, len(metrics))


def _values(
    trials: pd.DataFrame,
    kept: NDArray[np.bool_],
    group: Codes,
    setting: Codes,
    metrics: Sequence[Metric],
    wide: tuple[int, int],
) -> _Values:
    codes, names = pd.factorize(trials["metric"])
    columns = {each.name: number for number, each in enumerate(metrics)}
    column = np.array([*(columns.get(name, -1) for name in names), -1])[codes]
    value = trials["value"].to_numpy(float)
    rows = np.flatnonzero(kept & (column >= 0) & ~np.isnan(value))
    block, blocks = pd.factorize(trials["block"].to_numpy()[rows], sort=True)
    key = (group[rows] * wide[0] + column[rows]) * wide[1] + setting[rows]
    fine = key * max(len(blocks), 1) + block
    order = np.argsort(fine, kind="stable")
    boot = pd.factorize(trials["boot"])[0][rows]
    found = _Values(key[order], block[order], boot[order], value[rows][order])
    repeated = fine[order][1:] == fine[order][:-1]
    return _medians(found) if repeated.any() else found


def _medians(values: _Values) -> _Values:
    """One value for each key and block."""
    frame = pd.DataFrame(vars(values)).groupby(["key", "block"], as_index=False)
    return _Values(
        *(frame.agg({"boot": "first", "value": "median"})[name].to_numpy() for name in vars(values))
    )


def _beside(
    values: _Values, key: Codes, settings: int, base: int
) -> tuple[tuple[Codes, Codes], Codes, Codes]:
    """Find, for each treated value, the reference's of its block; and where each pair starts."""
    blocks = int(values.block.max(initial=0)) + 1
    fine = values.key // settings * blocks + values.block
    is_base = values.key % settings == base
    bases, rows = np.flatnonzero(is_base), np.flatnonzero(~is_base)
    at = np.searchsorted(fine[bases], fine[rows])
    both = at < bases.size
    both[both] = fine[bases[at[both]]] == fine[rows[both]]
    rows, at = rows[both], at[both]
    start = np.searchsorted(values.key[rows], key)
    end = np.searchsorted(values.key[rows], key, side="right")
    return (rows, bases[at]), start, end - start


def _unmeasured(
    trials: pd.DataFrame,
    kept: NDArray[np.bool_],
    group: Codes,
    pairs: Pairs,
    base: int,
    metrics: Sequence[Metric],
) -> Iterator[tuple[int, tuple[Verdict | None, str]]]:
    """Say why cells or their references have no value, or cannot differ."""
    bad = kept & (trials["status"] != "ok").to_numpy()
    suspect = set(group[bad]) | set(pairs.group[pairs.n == 0])
    if not suspect:
        return
    among = kept & np.isin(group, list(suspect))
    rows = dict(iter(trials[among].groupby(group[among])))
    for position in np.flatnonzero(np.isin(pairs.group, list(suspect))):
        names = (pairs.settings[pairs.setting[position]], pairs.settings[base])
        found = _why(rows[pairs.group[position]], metrics[pairs.metric[position]].name, names)
        if found:
            yield int(position), found


def _why(
    group: pd.DataFrame, metric: str, names: tuple[str, str]
) -> tuple[Verdict | None, str] | None:
    for label, of_whom in zip(names, ("", "the reference: "), strict=True):
        rows = group[group["setting"] == label]
        if (rows["value"].notna() & (rows["metric"] == metric)).any():
            inert = rows[rows["status"] == "inert"]
            if not inert.empty:
                return Verdict.INERT, str(inert["reason"].iloc[0])
            continue
        rows = rows.drop_duplicates("trial")
        bad = rows[rows["status"] != "ok"]
        if bad.empty:
            return None, of_whom + ("no trial has this metric" if len(rows) else "no trial yet")
        status, reason = str(bad["status"].iloc[0]), _text(bad["reason"].iloc[0])
        if status in UNMEASURED:
            return UNMEASURED[status], of_whom + reason
        return None, f"{of_whom}{len(bad)} of {len(rows)} trials failed: {reason}"
    return None


def _text(value: Any) -> str:  # noqa: ANN401  (NaN where there is none)
    return value if isinstance(value, str) else "no reason was given"
