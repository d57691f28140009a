"""What a wake-up costs on a host, polled against slept, from the trials of recorded runs.

Three things differ when the vCPU slept:

- the guest sees its wake-up later (`latency`, by the guest's own clock);
- the halt lasts longer by `shift` more than that: with a poll, part of the way to the handler
  comes after the end of the halt, with a sleep it is inside;
- the vCPU's CPU time (`cpu_ns`, polling apart) and the wall time (`wall_ns`) change for each sleep.

The trial is the unit: each is one value, and intervals are over trials.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lab.errors import UsageError
from lab.stats import Estimate
from lab.stats.estimate import median_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lab.replay.recording import Recording

    Floats = NDArray[np.float64]

ENOUGH = 20
"""Halts of a workload from which its own latencies are drawn, not the nearest workload's."""


@dataclass(frozen=True)
class Slept:
    """Latencies (n,) in ns of one workload's halts that slept, which lasted `ns` in the middle."""

    workload: str
    ns: float
    latency: Floats


@dataclass(frozen=True)
class Costs:
    """Costs of wake-ups on one host, in ns; `polled` (n,) are latencies of halts that polled.

    `latency` is the median of a slept wake-up less that of a polled one, over trials;
    `shift`, `cpu_ns` and `wall_ns` are as the module says.
    """

    polled: Floats
    slept: Sequence[Slept]
    latency: Mapping[str, Estimate]
    shift: Estimate
    cpu_ns: Estimate
    wall_ns: Estimate

    @property
    def polled_median(self) -> float:
        return float(np.median(self.polled))

    def slept_like(self, workload: str, ns: float) -> Slept:
        """Sleeps of the workload, or of the one whose halts are nearest to `ns` by ratio."""
        own = [each for each in self.slept if each.workload == workload]
        return min(own or self.slept, key=lambda each: abs(np.log(each.ns / max(ns, 1.0))))


def costs(recordings: Sequence[Recording], where: str) -> Costs:
    """Learn a host's costs from all its trials.

    Raises UsageError where no halt that polled, or none that slept, could be matched with what
    the guest saw; `where` names the runs in that sentence.
    """
    aligned = [each for each in recordings if each.aligned]
    polled, slept = ([_latency(each, asleep) for each in aligned] for asleep in (False, True))
    for kind, found in (("polled", polled), ("slept", slept)):
        if sum(map(len, found)) < ENOUGH:
            raise UsageError(
                f"{where} has too few halts that {kind} to tell what sleeping costs: record one "
                "more setting of `halt`, or name a run of that host that has both (--costs RUN)"
            )
    return Costs(
        polled=np.concatenate(polled),
        slept=_slept(aligned),
        latency=_by_workload(aligned, float(np.median(np.concatenate(polled)))),
        shift=_difference(*([_offset(e, asleep) for e in aligned] for asleep in (True, False))),
        cpu_ns=_per_sleep(aligned, _cpu_ns),
        wall_ns=_per_sleep(aligned, lambda each: float(each.row["guest"]["wall_ns"])),
    )


def _latency(each: Recording, asleep: bool) -> Floats:  # noqa: FBT001
    latency: Floats = each.latency[each.slept == asleep]
    return latency


def _offset(each: Recording, asleep: bool) -> float:  # noqa: FBT001
    of = each.offset[each.slept == asleep]
    return float(np.median(of)) if of.size >= ENOUGH else np.nan


def _workloads(aligned: Sequence[Recording]) -> dict[str, list[Recording]]:
    found: dict[str, list[Recording]] = {}
    for each in aligned:
        found.setdefault(each.workload, []).append(each)
    return found


def _slept(aligned: Sequence[Recording]) -> list[Slept]:
    found = []
    for workload, trials in _workloads(aligned).items():
        latency = np.concatenate([_latency(each, asleep=True) for each in trials])
        if latency.size >= ENOUGH:
            ns = np.concatenate([each.ns[each.slept] for each in trials])
            found.append(Slept(workload, float(np.median(ns)), latency))
    return found


def _by_workload(aligned: Sequence[Recording], polled: float) -> dict[str, Estimate]:
    found = {}
    for workload, trials in _workloads(aligned).items():
        found_here = [_latency(each, asleep=True) for each in trials]
        medians = [np.median(latency) for latency in found_here if latency.size >= ENOUGH]
        if medians:
            found[workload] = median_interval(np.asarray(medians) - polled)
    return found


def _difference(slept: Sequence[float], polled: Sequence[float]) -> Estimate:
    """Median over trials that slept less that over trials that polled; the spread of the first."""
    base = float(np.nanmedian(polled))
    values = np.asarray(slept)
    return median_interval(values[~np.isnan(values)] - base)


def _cpu_ns(each: Recording) -> float:
    """CPU time of the vCPU's thread in ns, less what it polled."""
    sums = each.row["haltpoll"]["sums_ns"]
    polled = sums["hit"] + sums["late_hit"] + sums["miss_poll"]
    return float(each.row["guest"]["cpu"]["vcpu_ns"] - polled)


def _per_sleep(aligned: Sequence[Recording], total: Callable[[Recording], float]) -> Estimate:
    """How much more of `total` a trial has for each halt that slept: slopes within workloads.

    Theil and Sen's slope of the value per halt over the share that slept, of all pairs of trials
    of a workload whose shares differ by a half at least (Sen, J. Am. Stat. Assoc. 63 (1968)); the
    interval is over workloads' trials, each with the median of its slopes. 0 where none differ.
    """
    slopes = []
    for trials in _workloads(aligned).values():
        share = np.asarray([each.slept.mean() for each in trials])
        value = np.asarray([total(each) / each.ns.size for each in trials])
        apart = share[:, None] - share[None, :]
        with np.errstate(divide="ignore", invalid="ignore"):
            pairs = (value[:, None] - value[None, :]) / apart
        pairs[np.abs(apart) < 0.5] = np.nan  # noqa: PLR2004
        slopes += [float(np.nanmedian(row)) for row in pairs if not np.isnan(row).all()]
    return median_interval(np.asarray(slopes)) if slopes else Estimate(0.0, None, None, None)
