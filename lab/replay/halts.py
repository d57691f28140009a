"""Halts as they were recorded, and as they would have been: the two lengths each might have had.

A halt lasts for the interval that the guest asked for, the latency that it saw, and an offset
(`lab.replay.recording`). The interval stays; latency and offset of the outcome that a halt did not
have are drawn, together, from halts of this host that had it. So the noise of a sleep leaves with
the sleep, and that of polling comes with the poll.

What is not modelled:

- A poll ends early when another task wants the CPU (`kvm_vcpu_can_poll()`). It shows where a halt
  slept and yet was over before its window; that happens at a rate of polled time, the host's, and
  polls are cut at random at that rate. A CPU that is busier than it was recorded cuts more.
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

    from lab.replay.costs import Costs, Sample
    from lab.replay.recording import Recording

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


NEVER = 2**62


@dataclass(frozen=True)
class Halts:
    """Halts of one vCPU; arrays (n,) of ns.

    `ns` is what was recorded, `polled_ns` and `slept_ns` what might have been, one of them equal
    to it; no poll goes on after `cut_ns`. `flags` are those of `lab.replay.loop`. The latencies are
    what the guest would see.
    """

    ns: Ints
    polled_ns: Ints
    slept_ns: Ints
    cut_ns: Ints
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
        cut_ns=np.full(recording.ns.size, NEVER),
        flags=_flags(recording),
        latency_polled=latency,
        latency_slept=latency,
    )


def as_possible(recording: Recording, costs: Costs) -> Halts:
    """Give each halt the length it did not have, by the host's costs; the trial seeds draws."""
    n, slept = recording.ns.size, recording.slept
    rng = np.random.default_rng([recording.row["seed"], recording.thread])
    sleeps = costs.slept_like(recording.workload, float(np.median(recording.ns)))
    polled_ns, latency_polled = _other(recording, sleeps, costs.polled, rng)
    slept_ns, latency_slept = _other(recording, costs.polled, sleeps, rng)
    # A halt that polled in vain to the end had its wake-up behind its window.
    ended = slept & (recording.ns > recording.window) & (recording.window > 0)
    polled_ns = np.where(slept, polled_ns, recording.ns)
    polled_ns = np.maximum(polled_ns, np.where(ended, recording.window + 1, 0))
    latency = recording.latency if recording.aligned else np.full(n, np.nan)
    return Halts(
        ns=recording.ns,
        polled_ns=polled_ns,
        slept_ns=np.where(slept, recording.ns, np.maximum(slept_ns, recording.ns)),
        cut_ns=_cuts(recording, costs.cuts, rng),
        flags=_flags(recording),
        latency_polled=np.where(slept, latency_polled, latency),
        latency_slept=np.where(slept, latency, latency_slept),
    )


def _other(
    recording: Recording, had: Sample, would: Sample, rng: np.random.Generator
) -> tuple[Ints, Floats]:
    """Lengths and latencies (n,), had all halts had the other outcome.

    Latency and offset are those of one halt drawn from `would`; they take the place of the
    halt's own, or of the median of `had` where its wake-up is not known.
    """
    drawn = rng.integers(would.latency.size, size=recording.ns.size)
    latency, offset = would.latency[drawn], would.offset[drawn]
    own: Floats | float = float(np.median(had.latency + had.offset))
    if recording.aligned:
        own = recording.latency + recording.offset
    return (recording.ns + latency + offset - own).astype(np.int64), latency


def _cuts(recording: Recording, rate: float, rng: np.random.Generator) -> Ints:
    """Draw when a poll of each halt would be cut, (n,): at a constant rate, but not before it was.

    A poll that was cut was so at some time before the halt ended.
    """
    if not rate:
        return np.full(recording.ns.size, NEVER)
    polled = np.where(recording.slept, np.minimum(recording.window, recording.ns), recording.ns)
    more = rng.exponential(1 / rate, recording.ns.size)
    drawn = np.where(recording.cut, rng.random(recording.ns.size) * recording.ns, polled + more)
    return np.minimum(drawn, NEVER).astype(np.int64)


def _flags(recording: Recording) -> NDArray[np.uint8]:
    return np.where(recording.valid, VALID, 0).astype(np.uint8)
