"""Halts as they were recorded, and as they would have been: the two lengths each might have had.

A halt that slept lasted from its beginning to the wake-up, and then until the vCPU ran again: by
its own latency more than a poll would have let it wait. One that polled would have lasted longer
by what a sleep costs on this host: a draw from the latencies of halts that slept.

What is not modelled:

- A poll ends early when another task wants the CPU (`need_resched()`), which
  `kvm_vcpu_wakeup` does not show: a replayed poll runs to the end of its window.
- An interrupt that is pending at HLT never reaches `kvm_vcpu_halt()`: such halts were not recorded.
- A late hit (woken between the end of the poll and sleeping) is replayed as a sleep.
- Whether the architecture forbade a poll is not recorded for each halt: none is taken as vetoed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lab.replay.loop import VALID

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lab.replay.costs import Costs
    from lab.replay.recording import Recording

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Halts:
    """Halts of one vCPU; arrays (n,) of ns.

    `ns` is what was recorded, `polled_ns` and `slept_ns` what might have been, one of them equal
    to it. `flags` are those of `lab.replay.loop`. The latencies are what the guest would see.
    """

    ns: Ints
    polled_ns: Ints
    slept_ns: Ints
    flags: NDArray[np.uint8]
    latency_polled: Floats
    latency_slept: Floats


def as_recorded(recording: Recording) -> Halts:
    """Take each halt to have had no other length: replayed so, the window follows what happened."""
    latency = recording.latency if recording.aligned else np.zeros(recording.ns.size)
    return Halts(
        ns=recording.ns,
        polled_ns=recording.ns,
        slept_ns=recording.ns,
        flags=_flags(recording),
        latency_polled=latency,
        latency_slept=latency,
    )


def as_possible(recording: Recording, costs: Costs) -> Halts:
    """Give each halt the length it did not have, by the host's costs; the trial seeds draws."""
    n, slept = recording.ns.size, recording.slept
    rng = np.random.default_rng([recording.row["seed"], recording.thread])
    alike = costs.slept_like(recording.workload, float(np.median(recording.ns)))
    latency_slept = rng.choice(alike.latency, n)
    latency_polled = rng.choice(costs.polled, n)
    if recording.aligned:
        latency_slept[slept] = recording.latency[slept]
        latency_polled[~slept] = recording.latency[~slept]
    more = np.maximum(latency_slept - costs.polled_median + costs.shift.value, 0).astype(np.int64)
    # A halt that polled in vain had its wake-up behind its window.
    earliest = np.where(recording.window > 0, recording.window + 1, 0)
    polled_ns = np.where(slept, np.maximum(recording.ns - more, earliest), recording.ns)
    return Halts(
        ns=recording.ns,
        polled_ns=polled_ns,
        slept_ns=np.where(slept, recording.ns, recording.ns + more),
        flags=_flags(recording),
        latency_polled=latency_polled,
        latency_slept=latency_slept,
    )


def _flags(recording: Recording) -> NDArray[np.uint8]:
    return np.where(recording.valid, VALID, 0).astype(np.uint8)
