"""What a wake-up costs on a host, polled against slept, from the trials of recorded runs.

Three things differ when the vCPU slept:

- the guest sees its wake-up later (`latency`, by the guest's own clock);
- the halt lasts longer by `shift` more than that. KVM ends a halt that polled with the clock as it
  stood before the check that saw the wake-up (`cur` in `kvm_vcpu_halt()`): the interrupt that
  brought the wake-up lies behind that end, unless it came between the check and the clock;
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
from lab.stats.location import median_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lab.replay.recording import Recording

    Floats = NDArray[np.float64]

ENOUGH = 20
"""Halts of a workload from which its own latencies are drawn, not the nearest workload's."""


@dataclass(frozen=True)
class Sample:
    """Halts (n,) of one outcome, in ns: the guest's latencies, and the offsets of their lengths.

    A halt lasts for interval + latency + offset (`lab.replay.recording`). `ns` is the median
    length.
    """

    workload: str
    ns: float
    latency: Floats
    offset: Floats


@dataclass(frozen=True)
class Costs:
    """Costs of wake-ups on one host, in ns, and samples of both outcomes to draw from.

    `latency` is the median of a slept wake-up less that of a polled one, by workload;
    `shift`, `cpu_ns` and `wall_ns` are as the module says; `shift` is
    None where no trial has enough halts of each. `cuts` is how often other tasks cut a poll short,
    for each ns polled.
    """

    polled: Sample
    slept: Sequence[Sample]
    latency: Mapping[str, Estimate]
    shift: Estimate | None
    cpu_ns: Estimate
    wall_ns: Estimate
    cuts: float

    def slept_like(self, workload: str, ns: float) -> Sample:
        """Sleeps of the workload, or of the one whose halts are nearest to `ns` by ratio."""
        own = [each for each in self.slept if each.workload == workload]
        return min(own or self.slept, key=lambda each: abs(np.log(each.ns / max(ns, 1.0))))


def costs(recordings: Sequence[Recording], where: str, *, polls: bool = True) -> Costs:
    """Learn a host's costs from all its trials; one that never `polls` needs none that polled.

    Raises UsageError where no halt that polled, or none that slept, could be matched with what
    the guest saw; `where` names the runs in that sentence.
    """
    aligned = [each for each in recordings if each.aligned]
    for kind, asleep in (("polled", False), ("slept", True)):
        halts = sum(int((each.slept == asleep).sum()) for each in aligned)
        if (asleep or polls) and halts < ENOUGH:
            raise UsageError(
                f"{where} has too few halts that {kind} to tell what sleeping costs: record one "
                "more setting of `halt`, or name a run of that host that has both (--costs RUN)"
            )
    polled = _sample("", aligned, asleep=not polls)
    by_workload = _workloads(aligned)
    slept = [_sample(name, trials, asleep=True) for name, trials in by_workload.items()]
    return Costs(
        polled=polled,
        slept=[each for each in slept if each.latency.size >= ENOUGH]
        or [_sample("", aligned, asleep=True)],
        latency=_latencies(by_workload, float(np.median(polled.latency))),
        shift=_difference(*([_offset(e, asleep) for e in aligned] for asleep in (True, False))),
        cpu_ns=_per_sleep(by_workload, _cpu_ns),
        wall_ns=_per_sleep(by_workload, lambda each: float(each.row["guest"]["wall_ns"])),
        cuts=sum(int(each.cut.sum()) for each in recordings)
        / max(sum(each.polled_ns for each in recordings), 1),
    )


def _sample(workload: str, trials: Sequence[Recording], *, asleep: bool) -> Sample:
    chosen = [each.slept == asleep for each in trials]
    both = list(zip(trials, chosen, strict=True))
    ns = np.concatenate([each.ns[of] for each, of in both])
    return Sample(
        workload,
        ns=float(np.median(ns)) if ns.size else 0.0,
        latency=np.concatenate([each.latency[of] for each, of in both]),
        offset=np.concatenate([each.offset[of] for each, of in both]).astype(np.float64),
    )


def _offset(each: Recording, asleep: bool) -> float:  # noqa: FBT001
    of = each.offset[each.slept == asleep]
    return float(np.median(of)) if of.size >= ENOUGH else np.nan


def _workloads(aligned: Sequence[Recording]) -> dict[str, list[Recording]]:
    found: dict[str, list[Recording]] = {}
    for each in aligned:
        found.setdefault(each.workload, []).append(each)
    return found


def _latencies(
    by_workload: Mapping[str, Sequence[Recording]], polled: float
) -> dict[str, Estimate]:
    found = {}
    for workload, trials in by_workload.items():
        slept = [each.latency[each.slept] for each in trials]
        medians = [np.median(latency) for latency in slept if latency.size >= ENOUGH]
        if medians:
            found[workload] = median_interval(np.asarray(medians) - polled)
    return found


def _difference(slept: Sequence[float], polled: Sequence[float]) -> Estimate | None:
    """Median over trials that slept less that over trials that polled; the spread of the first."""
    ends, base = (np.asarray(each)[~np.isnan(each)] for each in (slept, polled))
    return median_interval(ends - np.median(base)) if ends.size and base.size else None


def _cpu_ns(each: Recording) -> float:
    """CPU time of the vCPU's thread in ns, less what it polled."""
    sums = each.row["haltpoll"]["sums_ns"]
    polled = sums["hit"] + sums["late_hit"] + sums["miss_poll"]
    return float(each.row["guest"]["cpu"]["vcpu_ns"] - polled)


def _per_sleep(
    by_workload: Mapping[str, Sequence[Recording]], total: Callable[[Recording], float]
) -> Estimate:
    """How much more of `total` a trial has for each halt that slept: slopes within workloads.

    Theil and Sen's slope of the value per halt over the share that slept, of all pairs of trials
    of a workload whose shares differ by a half at least (Sen, J. Am. Stat. Assoc. 63 (1968)); the
    interval is over workloads' trials, each with the median of its slopes. 0 where none differ.
    """
    slopes = []
    for trials in by_workload.values():
        share = np.asarray([each.slept.mean() for each in trials])
        value = np.asarray([total(each) / each.ns.size for each in trials])
        apart = share[:, None] - share[None, :]
        with np.errstate(divide="ignore", invalid="ignore"):
            pairs = (value[:, None] - value[None, :]) / apart
        pairs[np.abs(apart) < 0.5] = np.nan  # noqa: PLR2004
        slopes += [float(np.nanmedian(row)) for row in pairs if not np.isnan(row).all()]
    return median_interval(np.asarray(slopes)) if slopes else Estimate(0.0, None, None, None)
