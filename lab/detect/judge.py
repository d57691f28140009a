"""From a history of trials to what changed: the seam between tables and the two judges."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
from scipy import stats

from lab.detect.model import (
    SYNTHETIC,
    Break,
    Finding,
    Judgement,
    Kind,
    Series,
    Shift,
    State,
    Tonight,
    Way,
)
from lab.detect.nights import summarise
from lab.detect.noise import inflation
from lab.detect.rule import Rule
from lab.detect.scan import (
    CALLED,
    CONFIRMED,
    LEAST_AFTER,
    LEAST_BEFORE,
    QUIET,
    RECENT,
    SUSPICIOUS,
    scan,
)
from lab.errors import UsageError
from lab.stats.location import CONFIDENCE
from lab.stats.model import Estimate

STATES = {
    SUSPICIOUS: State.SUSPICIOUS,
    CALLED: State.TO_CONFIRM,
    CONFIRMED: State.CONFIRMED,
}
DEFAULT = Rule()
NoiseFloor = float | Mapping[Series, float]


def detect(
    history: pd.DataFrame,
    breaks: Iterable[Break] = (),
    *,
    noise_floor: NoiseFloor = 0.0,
    rule: Rule = DEFAULT,
    reruns: pd.DataFrame | None = None,
) -> list[Finding]:
    """Find what changed in the series that were measured on the history's last night.

    `history` has a row for each trial, in any order: `night` (a date), `value` (in the metric's
    unit), the fields of Series, and, where a night has blocks with several trials, `block`.
    Fields it lacks are empty. Warm-ups and failed trials do not belong in it. `noise_floor`
    is the relative change that A/A runs show, of all series or by series; no smaller
    change is a finding. `reruns`, in the same form, is what was run again in a night; what
    it agrees with is CONFIRMED. No comparison crosses one of the `breaks`.

    The same history gives the same answer, and a finding is repeated every night until it is
    confirmed or, being sure without, has become the baseline.
    Raises UsageError for a history without a needed column or with made-up nights among others.
    """
    judged = judge(history, breaks, noise_floor=noise_floor, rule=rule, reruns=reruns)
    last = max((each.night for each in judged), default=None)
    return [each.finding for each in judged if each.finding and each.night == last]


def judge(
    history: pd.DataFrame,
    breaks: Iterable[Break] = (),
    *,
    noise_floor: NoiseFloor = 0.0,
    rule: Rule = DEFAULT,
    reruns: pd.DataFrame | None = None,
) -> list[Judgement]:
    """Say of each series what is known on its last night; arguments as of `detect`."""
    again = {} if reruns is None else dict(_series(reruns))
    known = list(breaks)
    return [
        _judged(
            series,
            frame,
            again.get(series),
            sorted((each for each in known if each.concerns(series)), key=lambda each: each.night),
            rule,
            noise_floor if isinstance(noise_floor, float | int) else noise_floor.get(series, 0.0),
        )
        for series, frame in _series(history)
    ]


def _series(history: pd.DataFrame) -> Iterator[tuple[Series, pd.DataFrame]]:
    """Split into series; each comes with a row for each night and a column for each trial."""
    for column in ("night", "value"):
        if column not in history:
            raise UsageError(
                f"the history has no column {column!r}: it needs one row for each trial"
            )
    table = history.reindex(columns=[*Series._fields, "night", "value", "block"]).copy()
    table = table[table["value"].notna()]
    fields = list(Series._fields)
    table[fields] = table[fields].astype("object").fillna("").astype(str)
    table["night"] = pd.to_datetime(table["night"]).dt.normalize()
    made_up = table["clock_class"] == SYNTHETIC
    if made_up.any() and not made_up.all():
        raise UsageError("the history mixes made-up nights with measured ones: judge them apart")
    for key, frame in table.groupby(fields, sort=True):
        yield Series(*map(str, key)), _matrix(frame)


def _matrix(frame: pd.DataFrame) -> pd.DataFrame:
    """Lay out trials as (nights, trials); trials of one block share its luck and count as one."""
    if frame["block"].notna().any():
        frame = frame.groupby(["night", "block"], dropna=False)["value"].median().reset_index()
    # By hand: a pivot of pandas for each series took most of the time of an overview.
    nights, night = np.unique(frame["night"].to_numpy(), return_inverse=True)
    order = np.argsort(night, kind="stable")
    night = night[order]
    trial = np.arange(night.size) - np.searchsorted(night, night)
    matrix = np.full((nights.size, trial.max() + 1), np.nan)
    matrix[night, trial] = frame["value"].to_numpy(float)[order]
    return pd.DataFrame(matrix, pd.DatetimeIndex(nights))


def _judged(
    series: Series,
    frame: pd.DataFrame,
    again: pd.DataFrame | None,
    breaks: list[Break],
    rule: Rule,
    noise_floor: float,
) -> Judgement:
    """Judge one series; `breaks` are those that concern it, by night."""
    nights = [night.date() for night in frame.index]
    starts = {bisect_left(nights, each.night): each for each in breaks}
    resets = np.isin(np.arange(len(nights)), [at for at in starts if at > 0])
    first = int(np.flatnonzero(resets)[-1]) if resets.any() else 0
    blank = Judgement(
        series=series,
        night=nights[-1],
        since=nights[first],
        nights=len(nights) - first,
        level=None,
        detectable=None,
        finding=None,
        reason="",
        reset_by=starts[first] if first else None,
    )
    if np.nanmin(frame.to_numpy(float)) <= 0:
        return replace(blank, reason="some trials are 0 or less, so there is no ratio")
    rerun = None if again is None else summarise(again.reindex(frame.index).to_numpy(float))
    said = scan(*summarise(frame.to_numpy(float)), resets, rule, noise_floor, rerun)
    if not said.size or said[-1]["night"] != len(nights) - 1:
        begun = f" since {blank.since}: {blank.reset_by.reason}" if blank.reset_by else ""
        reason = f"more than {rule.nights} nights are needed, and there are {blank.nights}{begun}"
        return replace(blank, reason=reason)
    row = said[-1]
    begins = int(row["first"])
    return replace(
        blank,
        since=nights[begins],
        nights=int(row["before"]),
        level=math.exp(row["level"]),
        detectable=max(_detectable(row, rule), 1 + max(rule.minimum_effect, noise_floor)),
        finding=_finding(row, series, nights) if row["state"] != QUIET else None,
        reset_by=blank.reset_by if begins == first else None,
    )


def _detectable(row: np.void, rule: Rule) -> float:
    m, n = int(row["before"]), LEAST_AFTER
    r, phi = float(row["r"]), float(row["phi"])
    error = row["scale"] * math.sqrt(inflation(m, r, phi) / m + inflation(n, r, phi) / n)
    return math.exp(stats.t.isf(n * rule.p_shift / 2, row["degrees"]) * error)


def _finding(row: np.void, series: Series, nights: list[date]) -> Finding:
    degrees, before, after = (int(row[name]) for name in ("degrees", "before", "after"))
    p_shift = _p_of_best(2 * float(stats.t.sf(abs(row["t"]), degrees)), before + after)
    p_tonight = 2 * float(stats.t.sf(abs(row["tonight"]) / row["tonight_error"], degrees))
    return Finding(
        series=series,
        night=nights[int(row["night"])],
        state=STATES[int(row["state"])],
        kind=Kind.DRIFT if row["drift"] else Kind.STEP,
        way=Way.UP if row["effect"] > 0 else Way.DOWN,
        ratio=_ratio(row["effect"], row["error"], degrees),
        since=nights[int(row["since"])],
        baseline=math.exp(row["level"]),
        before=before,
        after=after,
        confidence=1 - min(p_shift, p_tonight),
        tonight=Tonight(
            _ratio(row["tonight"], row["tonight_error"], degrees), bool(row["stands_out"])
        ),
        shift=Shift(float(row["t"]), degrees, p_shift, bool(row["shifted"])),
    )


def _p_of_best(p: float, nights: int) -> float:
    """Return what `p` of one split is worth for the best split of a series of `nights`.

    Miller and Siegmund, Maximally selected chi square statistics, Biometrics 38 (1982): for the
    largest of |b| over splits after a share e1 to e2 of the nights,

        phi(b) * (b - 1 / b) * log(e2 * (1 - e1) / (e1 * (1 - e2))) + 4 * phi(b) / b.
    """
    b = float(stats.norm.isf(p / 2))
    if not 1 < b < math.inf:
        return p if b > 1 else 1.0
    first, last = max(LEAST_BEFORE, nights - RECENT), nights - LEAST_AFTER
    odds = last / (nights - last) * (nights - first) / first
    return min(float(stats.norm.pdf(b)) * ((b - 1 / b) * math.log(odds) + 4 / b), 1.0)


def _ratio(effect: float, error: float, degrees: int) -> Estimate:
    """Interval of Student's t on the log scale."""
    reach = stats.t.ppf((1 + CONFIDENCE) / 2, degrees) * error
    low, high = math.exp(effect - reach), math.exp(effect + reach)
    return Estimate(math.exp(effect), low, high, CONFIDENCE)
