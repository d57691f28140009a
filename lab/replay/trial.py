"""One recorded trial, ready to be replayed under any setting, and what a setting makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lab.quantile import harrell_davis
from lab.replay.algorithms import Algorithm, Knobs
from lab.replay.halts import Halts, as_possible
from lab.replay.loop import HIT, MISS, PENDING, replay

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lab.replay.costs import Costs
    from lab.replay.recording import Recording

METRICS = (
    "wakeup_p50_ns",
    "wakeup_p99_ns",
    "cpu_ns_per_wakeup",
    "cpu_share",
    "poll_hit_rate",
    "poll_vain_ns_per_wakeup",
    "poll_ns_per_wakeup",
)
"""Predicted metrics, by the names and in the units of `lab.metrics`."""
MORE_CPU = "more_cpu_share"
"""Share of a CPU above that of never polling, trial by trial."""
FEW = 100
"""Latencies below which a 99th percentile is a maximum in disguise."""


@dataclass(frozen=True)
class Trial:
    """One trial: the halts of each vCPU as they might have been, and its totals as recorded.

    `unhalted` are latencies of wake-ups that came before the guest had halted, the same under every
    setting. `cpu_per_sleep` and `wall_per_sleep` are the host's, in ns. Times are in ns.
    """

    run: str
    host: str
    workload: str
    block: int
    closed: bool
    halts: Sequence[Halts]
    unhalted: NDArray[np.float64] | None
    wakeups: int
    cpu_ns: float
    wall_ns: float
    polled_ns: int
    sleeps: int
    cpu_per_sleep: float
    wall_per_sleep: float


def prepare(recordings: Sequence[Recording], costs: Costs, *, closed: bool | None = None) -> Trial:
    """Make a trial of its vCPUs' recordings; `closed` overrides what is known of the guest."""
    row = recordings[0].row
    guest, sums = row["guest"], row["haltpoll"]["sums_ns"]
    aligned = len(recordings) == 1 and recordings[0].aligned
    unhalted = None
    if aligned:
        latency = np.asarray(guest["latency_ns"], dtype=np.float64)
        unhalted = np.delete(latency, recordings[0].wakeup)
    return Trial(
        run=row["run"],
        host=row["host"],
        workload=recordings[0].workload,
        block=row["block"],
        closed=recordings[0].closed if closed is None else closed,
        halts=[as_possible(each, costs) for each in recordings],
        unhalted=unhalted,
        wakeups=guest["completed"],
        cpu_ns=guest["cpu"]["vcpu_ns"],
        wall_ns=guest["wall_ns"],
        polled_ns=sums["hit"] + sums["late_hit"] + sums["miss_poll"],
        sleeps=sum(int(each.slept.sum()) for each in recordings),
        cpu_per_sleep=costs.cpu_ns.value,
        wall_per_sleep=costs.wall_ns.value,
    )


def predict(trial: Trial, algorithm: Algorithm, knobs: Knobs) -> Mapping[str, float]:
    """Replay a trial under a setting: METRICS, NaN where there is nothing to tell it by.

    CPU time is what was recorded, less what it polled, plus what it would have polled, and the
    host's cost of each sleep more or less. The wall time of a closed loop follows its sleeps; that
    of an open one its arrivals.
    """
    replayed = [replay(each, algorithm, knobs, closed=trial.closed) for each in trial.halts]
    hits, misses = (sum(each.count(kind) for each in replayed) for kind in (HIT, MISS))
    pending = sum(each.count(PENDING) for each in replayed)
    sleeps = sum(each.codes.size for each in replayed) - hits - pending
    hit_ns, vain_ns = (
        sum(each.sum(name) for each in replayed) for name in ("polled_hit_ns", "polled_vain_ns")
    )
    more = sleeps - trial.sleeps
    cpu = trial.cpu_ns + hit_ns + vain_ns - trial.polled_ns + more * trial.cpu_per_sleep
    wall = trial.wall_ns + (more * trial.wall_per_sleep if trial.closed else 0)
    p50 = p99 = np.nan
    if trial.unhalted is not None and trial.closed:
        polled = replayed[0].outcomes == HIT
        halts = trial.halts[0]
        seen = np.where(polled, halts.latency_polled, halts.latency_slept)
        latency = np.concatenate([seen, trial.unhalted])
        p50, p99 = (harrell_davis(latency, q) for q in (0.5, 0.99))
        if latency.size < FEW:
            p99 = np.nan
    values = (
        p50,
        p99,
        cpu / trial.wakeups,
        cpu / wall,
        hits / (hits + misses) if hits + misses else np.nan,
        vain_ns / trial.wakeups,
        (hit_ns + vain_ns) / trial.wakeups,
    )
    return dict(zip(METRICS, map(float, values), strict=True))
