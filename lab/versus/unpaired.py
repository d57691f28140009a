"""One host in two runs or under two kernels: the same cells, in blocks that are no partners."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lab import metrics as registry
from lab.stats import Verdict
from lab.stats.architectures import Family
from lab.stats.compare import MARGIN, counted
from lab.stats.interval import MIN_BLOCKS
from lab.stats.location import Floats, median_interval, spread
from lab.stats.noise import Key
from lab.stats.unpaired import Effect, difference, mean
from lab.stats.verdict import Noise, judge
from lab.versus.model import Method, Row

CELL = ["host", "architecture", "clock_class", "workload", "metric", "unit", "setting"]
REMARK = (
    "Runs share no blocks: geometric means of blocks are compared unpaired (Welch's t test on "
    "logs), so that nothing the host did that day cancels out."
)
ONE_RUN = (
    "A side is a single run: what changes from boot to boot and from day to day is in the change "
    "and not in its interval. With two or more runs on a side the run is the unit."
)


@dataclass(frozen=True)
class _Side:
    """A cell on one side: values of its blocks, run by run."""

    runs: tuple[Floats, ...]

    @property
    def values(self) -> Floats:
        return np.concatenate(self.runs)

    @property
    def n(self) -> int:
        return len(self.runs) if len(self.runs) > 1 else self.values.size

    @property
    def obstacle(self) -> str:
        """Why there is nothing to test; "" where there may be."""
        if self.values.min() <= 0:
            return "zero in some trials, so there is no ratio: see the medians"
        if len(self.runs) == 1 and self.n < MIN_BLOCKS:
            return f"{self.n} blocks on a side, and at least {MIN_BLOCKS} are needed"
        return ""

    @property
    def effect(self) -> Effect | None:
        """Mean log over blocks of the only run, else over the runs' means."""
        if len(self.runs) == 1:
            return mean(np.log(self.values))
        return mean(np.array([np.log(run).mean() for run in self.runs]))


def rows(
    first: pd.DataFrame, second: pd.DataFrame, metrics: list[str], floors: Mapping[Key, Noise]
) -> list[Row]:
    """Compare each cell that both sides have; tidy tables, of one or more runs each.

    `floors` are of the A/A arms within runs: from run to run a host may differ by more.
    """
    one, other = _sides(first, metrics), _sides(second, metrics)
    both = [(key, one[key], other[key]) for key in one if key in other]
    drafts = [(_blank(*each, floors), *_contrast(*each[1:])) for each in both]
    family = Family(contrast.p for _, contrast, _ in drafts if contrast)
    return [_judged(*draft, family) for draft in drafts]


def _sides(trials: pd.DataFrame, metrics: list[str]) -> Mapping[tuple[str, ...], _Side]:
    wanted = counted(trials)
    wanted = wanted[wanted["metric"].isin(metrics)]
    return {
        tuple(map(str, key)): _Side(tuple(_runs(cell)))
        for key, cell in wanted.groupby(CELL, sort=False)
    }


def _runs(cell: pd.DataFrame) -> Iterator[Floats]:
    for _, run in cell.groupby("run", sort=False):
        yield run.groupby("block")["value"].median().to_numpy(float)


def _contrast(first: _Side, second: _Side) -> tuple[Effect | None, str]:
    """Contrast two sides, or say why they cannot be."""
    if obstacle := first.obstacle or second.obstacle:
        return None, obstacle
    one, other = first.effect, second.effect
    if not one or not other:
        return None, "a side has no spread, and without it nothing can be tested"
    return difference(other, one), ""


def _blank(key: tuple[str, ...], first: _Side, second: _Side, floors: Mapping[Key, Noise]) -> Row:
    cell = dict(zip(CELL, key, strict=True))
    noise = floors.get((cell["host"], cell["workload"], cell["metric"]))
    return Row(
        method=Method.UNPAIRED,
        where=cell["host"],
        clock_class=cell["clock_class"],
        workload=cell["workload"],
        metric=cell["metric"],
        unit=cell["unit"],
        setting=cell["setting"],
        reference=cell["setting"],
        first=median_interval(first.values),
        second=median_interval(second.values),
        spread_first=spread(first.values),
        spread_second=spread(second.values),
        n_first=first.n,
        n_second=second.n,
        verdict=Verdict.INCONCLUSIVE,
        reason="",
        noise_floor=noise.floor if noise else None,
    )


def _judged(blank: Row, contrast: Effect | None, obstacle: str, family: Family) -> Row:
    if not contrast:
        return replace(blank, reason=obstacle)
    adjusted = family.adjusted[contrast.p]
    direction = registry.metric(blank.metric).direction
    verdict, reason = judge(contrast.ratio, contrast.interval, adjusted, direction)
    if verdict is Verdict.INCONCLUSIVE and contrast.is_within(MARGIN):
        verdict, reason = Verdict.EQUIVALENT, f"within a factor of {MARGIN:g}"
    return blank.tested(contrast, family, str(verdict), reason)
