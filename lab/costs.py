"""What the guest's own clock says that probes and dirty registers cost, by paired trials.

Neither needs a probe: both are differences of two kinds of trials of the same blocks.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from lab.labels import NONE, UNPROBED, change, nanoseconds
from lab.stats import Contrast, Estimate, contrast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pandas as pd

SEEN_BY_GUEST = ("wakeup_p50_ns", "exit_p50_ns")
"""What a guest of either kind knows by itself: how late it was woken, how long it was away."""


@dataclass(frozen=True)
class Cost:
    """What `what` costs the guest in each wake-up or exit of `workload`, on one host.

    `contrast` holds it as a ratio and in ns, of `metric`.
    """

    host: str
    workload: str
    what: str
    metric: str
    contrast: Contrast

    @property
    def percent(self) -> str:
        """Say the ratio as a change with its interval: `+3.1 % [+2.0, +4.2]`."""
        ratio = self.contrast.ratio
        return _said(ratio, change) if ratio else NONE

    @property
    def time(self) -> str:
        """Say the difference with its interval: `34 ns [22 ns, 46 ns]`."""
        return _said(self.contrast.difference, nanoseconds)

    def record(self) -> dict[str, Any]:
        """Fields as plain values, for JSON."""
        return asdict(self)


def of_probes(trials: pd.DataFrame, reference: str) -> list[Cost]:
    """Return the probes' cost at the setting `reference`: trials with them against ones without.

    `trials` is the tidy table of one run. A workload without both kinds of trials has no cost.
    """
    return list(_of_probes(trials[trials["setting"] == reference]))


def _of_probes(trials: pd.DataFrame) -> Iterator[Cost]:
    seen = trials[trials["metric"].isin(SEEN_BY_GUEST)]
    # Warm-ups have no part in it, but they give the order of the plan.
    for (host, workload, metric), group in seen.groupby(["host", "workload", "metric"], sort=False):
        off = group["probes"] == UNPROBED
        if off.all():
            continue
        found = contrast(_by_block(group[~off]), _by_block(group[off]))
        if found:
            yield Cost(str(host), str(workload), group["probes"][~off].iloc[0], str(metric), found)


def of_dirty_registers(trials: pd.DataFrame, reference: str) -> list[Cost]:
    """Return what dirty vector registers add to an exit at the setting `reference`.

    Guests of `fpu` against those of `exit`: the same exit, with and without. Taken from trials
    without probes where there are any, so that no probe is part of it.
    """
    rows = trials[(trials["setting"] == reference) & (trials["metric"] == "exit_p50_ns")]
    found = []
    for host, group in rows.groupby("host", sort=False):
        off = group[group["probes"] == UNPROBED]
        used = group if off.empty else off
        plain = used[used["guest"] == "exit"]
        for workload, dirty in used[used["guest"] == "fpu"].groupby("workload", sort=False):
            beside = plain[plain["workload"] == plain["workload"].iloc[0]] if len(plain) else plain
            difference = contrast(_by_block(dirty), _by_block(beside))
            if difference:
                found.append(
                    Cost(str(host), str(workload), "dirty registers", "exit_p50_ns", difference)
                )
    return found


def overhead(costs: Sequence[Cost]) -> str:
    """Say in a sentence what the probes cost on one host; nothing where it was not measured."""
    known = {each.contrast.ratio.value: each for each in costs if each.contrast.ratio}
    if not known:
        return ""
    ends = dict.fromkeys((known[min(known)], known[max(known)]))
    span = " to ".join(f"{each.percent} in {each.workload}" for each in ends)
    return f"The probes ({costs[0].what}) cost the guest {span}, by its own clock."


def _said(estimate: Estimate, show: Callable[[float], str]) -> str:
    if estimate.low is None or estimate.high is None:
        return show(estimate.value)
    low, high = (show(each).removesuffix(" %") for each in (estimate.low, estimate.high))
    return f"{show(estimate.value)} [{low}, {high}]"


def _by_block(rows: pd.DataFrame) -> pd.Series[float]:
    return rows[~rows["warmup"] & ~rows["aa"]].groupby("block")["value"].median()
