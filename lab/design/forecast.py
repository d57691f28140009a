"""What a number of blocks will show, from a pilot: interval, detectable change, time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from scipy import stats

from lab.design import looks
from lab.design.experiment import Experiment
from lab.errors import UsageError
from lab.labels import setting_label
from lab.stats import Comparison
from lab.stats.interval import MIN_BLOCKS
from lab.stats.power import ALPHA, detectable_ratio, expected_width
from lab.store.layout import Document
from lab.store.read import Run
from lab.table import AA

PILOT_BLOCKS = MIN_BLOCKS
SIZES = (6, 12, 24, 48, 96)
MANY_BLOCKS = 1000


@dataclass(frozen=True)
class Outlook:
    """What is to be expected of so many blocks, which take `seconds`.

    `width` is the ratio of the interval's ends, `detectable` the smallest ratio above 1 that is
    found with 80 % power, the pilot's luck included.
    """

    blocks: int
    seconds: float
    width: float
    detectable: float


@dataclass(frozen=True)
class Forecast:
    """One contrast's outlooks; `spread` is that of a block's log ratio, from `pilot_blocks`.

    `needed` is how many blocks make the interval as narrow as the experiment's `stop` wants it;
    None where it wants nothing, or 1000 blocks do not.
    """

    host: str
    workload: str
    metric: str
    setting: str
    pilot_blocks: int
    spread: float
    outlooks: tuple[Outlook, ...]
    needed: int | None

    def record(self) -> dict[str, Any]:
        """Fields as plain values, for JSON."""
        return asdict(self)


def sizes(question: Experiment) -> list[int]:
    """Return the numbers of blocks to look at, the experiment's own among them where it can."""
    own = {question.first_blocks, question.blocks}
    return sorted({*SIZES, *(blocks for blocks in own if blocks >= MIN_BLOCKS)})


def forecasts(pilot: Run, question: Experiment, blocks: Sequence[int]) -> list[Forecast]:
    """Return what `blocks` would show of each contrast of `question` on each host of `pilot`.

    A contrast is a setting, or the A/A arm, against the reference in one metric and workload:
    those of the experiment's `stop`, else all primary metrics. One without an interval in the pilot
    has no forecast. Raises UsageError for a pilot that did not run what the experiment asks.
    """
    _check_cells(pilot, question)
    metrics = question.stop.metrics if question.stop else None
    settings = {setting_label(setting) for setting in question.settings} | {AA}
    workloads = {workload.name for workload in question.workloads}
    return [
        _forecast(each, question, blocks, _trial_seconds(rows))
        for host, rows in pilot.rows.items()
        for each in looks.contrasts(pilot, host, metrics)
        if each.standard_error is not None
        and each.setting in settings
        and each.workload in workloads
    ]


def spread_factors(n: int) -> tuple[float, float]:
    """Return by how much a spread from `n` blocks may be off: true by estimated, 95 %.

    Interval of a standard deviation by chi squared; after a small pilot it is wide (Browne, On the
    use of a pilot sample for sample size determination, Statistics in Medicine 14, 1995).
    """
    tail = ALPHA / 2
    low, high = (math.sqrt((n - 1) / stats.chi2.ppf(q, n - 1)) for q in (1 - tail, tail))
    return low, high


def _forecast(
    each: Comparison, question: Experiment, blocks: Sequence[int], trial_s: float
) -> Forecast:
    spread = (each.standard_error or 0.0) * math.sqrt(each.n)
    # The first step of the correction, the hardest: what a lone effect has to pass.
    alpha = ALPHA / max(each.family, 1)
    known = each.freedom or 1.0
    outlooks = tuple(
        Outlook(
            blocks=n,
            seconds=(n * question.cells + question.boots * len(question.workloads)) * trial_s,
            width=expected_width(spread, n),
            detectable=detectable_ratio(spread, n, alpha, pilot=known),
        )
        for n in blocks
    )
    return Forecast(
        host=each.host,
        workload=each.workload,
        metric=each.metric,
        setting=each.setting,
        pilot_blocks=each.n,
        spread=spread,
        outlooks=outlooks,
        needed=_needed(spread, question.stop.width) if question.stop else None,
    )


def _needed(spread: float, width: float) -> int | None:
    enough = (n for n in range(MIN_BLOCKS, MANY_BLOCKS) if expected_width(spread, n) <= width)
    return next(enough, None)


def _trial_seconds(rows: Iterable[Document]) -> float:
    durations = [float(row["duration_ns"]) for row in rows if not row["warmup"]]
    return sum(durations) / max(len(durations), 1) / 1e9


def _check_cells(pilot: Run, question: Experiment) -> None:
    planned = [trial for trials in pilot.plan["hosts"].values() for trial in trials]
    settings = {setting_label(trial["setting"]) for trial in planned}
    for setting in map(setting_label, question.settings):
        if setting not in settings:
            raise UsageError(f"{pilot.name} has no trial with {setting}: give a pilot that has")
    workloads = [trial["workload"] for trial in planned]
    for workload in question.workloads:
        if workload.model_dump() not in workloads:
            raise UsageError(
                f"{pilot.name} did not run the workload {workload.name} as the experiment has it: "
                "give a pilot that did, or leave --pilot out and one is run"
            )
