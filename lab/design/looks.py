"""Looks at a sequential run: are the intervals narrow enough, and if not, how many blocks more.

Looking at intervals and going on until they are narrow is no "peeking": it is the width that
stops, not the place of the interval, and the width depends on the spread alone. For the mean this
keeps the coverage asymptotically (Chow and Robbins, On the asymptotic theory of fixed-width
sequential confidence intervals for the mean, Ann. Math. Statist. 36, 1965), whereas stopping at the
first small p value does not keep its level. In small samples a spread that is underestimated by
chance stops too early (Anscombe, Sequential estimation, J. R. Statist. Soc. B 15, 1953); that is
what `min_blocks` is for, and results/stopping.md has how much is left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from lab.design.stages import planned_blocks
from lab.labels import TIMES, setting_label
from lab.metrics import PRIMARY
from lab.stats import Comparison, Verdict, compare
from lab.stats.interval import MIN_BLOCKS
from lab.store.read import Run
from lab.table import tidy, with_aa_as_setting

GROWTH = 2
"""A look never asks for more than this many times the blocks so far: it rests on their spread."""


class Reason(StrEnum):
    """Why a sequential run has blocks enough on a host."""

    WIDTH = "width"
    BUDGET = "budget"
    BLOCKS = "blocks"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Widest:
    """The contrast with the widest interval; `width` is its upper by its lower end."""

    workload: str
    setting: str
    metric: str
    width: float | None

    def __str__(self) -> str:
        width = f"{TIMES}{self.width:.4g}" if self.width else "still unknown"
        return f"{width} ({self.metric} of {self.setting} in {self.workload})"


@dataclass(frozen=True)
class Look:
    """What was found after `blocks` blocks, which took `trials_s` seconds of trials.

    `wide` of `contrasts` intervals were wider than wanted. `next` is how many blocks to go on to;
    None with a `reason` to stop, which `text` says in a sentence.
    """

    blocks: int
    trials_s: float
    contrasts: int
    wide: int
    widest: Widest | None
    next: int | None
    reason: Reason | None
    text: str

    def record(self) -> dict[str, Any]:
        """Fields as plain values, for the manifest."""
        return asdict(self)


def look(run: Run, host: str, blocks: int) -> Look:
    """Decide from the rows of `host` whether its first `blocks` blocks are enough.

    The run's plan must have a `stop`. Contrasts are those of `lab.stats.compare`, and the A/A arm
    against the reference. One that has no interval and cannot get one, where a knob cannot act or a
    value is zero, is waited for by nobody.
    """
    stop, trials = run.plan["stop"], run.plan["hosts"][host]
    found = contrasts(run, host, stop["metrics"])
    trials_s = sum(row["duration_ns"] for row in run.rows[host]) / 1e9
    widths = {each: _width(each) for each in found}
    wide = [each for each, width in widths.items() if width > stop["width"]]
    top = max(found, key=lambda each: widths[each], default=None)
    widest = None
    if top:
        width = widths[top] if math.isfinite(widths[top]) else None
        widest = Widest(top.workload, top.setting, top.metric, width)
    left_s = run.plan["time_budget_s"] - trials_s
    affordable = blocks + int(left_s / (trials_s / blocks)) if left_s > 0 else blocks
    most = planned_blocks(trials)
    goal, reason = None, None
    match found:
        case []:
            reason = Reason.NOTHING
            text = f"{blocks} blocks: nothing here has an interval that more blocks would narrow"
        case _ if not wide:
            reason = Reason.WIDTH
            text = f"{blocks} blocks: the widest of {len(found)} intervals is {widest}"
        case _ if blocks >= most:
            reason = Reason.BLOCKS
            text = f"all {blocks} blocks have run: the widest interval is {widest}"
        case _ if affordable <= blocks:
            reason = Reason.BUDGET
            text = (
                f"{blocks} blocks took {trials_s:.0f} s of the time budget of "
                f"{run.plan['time_budget_s']:g} s, which holds no more: the widest interval is "
                f"{widest}"
            )
        case _:
            goal = min(wanted_blocks(blocks, max(widths.values()), stop["width"]), affordable, most)
            text = (
                f"{blocks} blocks: {len(wide)} of {len(found)} intervals are wider than "
                f"{TIMES}{stop['width']:g}, the widest is {widest}: on to {goal} blocks"
            )
    return Look(blocks, trials_s, len(found), len(wide), widest, goal, reason, text)


def contrasts(run: Run, host: str, metrics: Sequence[str] | None) -> list[Comparison]:
    """Compare the settings of a host, and its A/A arm as if it were one, with the reference.

    In `metrics`, else in all primary ones. What no number of blocks can narrow is left out.
    """
    trials = tidy(Run(run.path, run.manifest, run.plan, {host: run.rows[host]}))
    named = with_aa_as_setting(trials)
    reference = setting_label(run.plan["reference"])
    if named.empty or reference not in set(named["setting"]):
        return []
    wanted = PRIMARY if metrics is None else metrics
    return [each for each in compare(named, reference, metrics=wanted) if _can_narrow(each)]


def _can_narrow(each: Comparison) -> bool:
    if each.verdict in {Verdict.INERT, Verdict.MISSING}:
        return False
    return each.low is not None or each.n < MIN_BLOCKS


def _width(each: Comparison) -> float:
    if each.low is None or each.high is None:
        return math.inf
    return each.high / each.low


def wanted_blocks(blocks: int, width: float, wanted: float) -> int:
    """Return how many blocks the width needs, by the square root of n, within bounds."""
    if not math.isfinite(width):
        return blocks + 1
    needed = math.ceil(blocks * (math.log(width) / math.log(wanted)) ** 2)
    return min(max(needed, blocks + 1), GROWTH * blocks)
