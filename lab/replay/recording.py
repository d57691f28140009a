"""What a trial recorded of its halts, each beside the wake-up of the guest that ended it.

The guest times its wake-ups, the host its halts; neither counts what the other does. A wake-up
whose timer fires before the guest halts has no halt. The alignment finds which: a halt lasts as
long as the interval asked for and the latency that the guest saw, less what the guest takes from
arming its timer to halting and from the end of the halt to its handler, which is the same for all
halts of one outcome.
"""

from __future__ import annotations

import runpy
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from lab.paths import PROBES
from lab.replay.algorithms import Knobs

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lab.store.layout import Document

    Ints = NDArray[np.int64]

CLOSED = frozenset({"halt", "disk_rr", "qemu_pipe"})
"""Guests that wait for their own work: it is asked for when the last wake-up is done with."""
PARAMETERS = {
    "halt_poll_ns": "halt_poll_ns",
    "grow": "halt_poll_ns_grow",
    "grow_start": "halt_poll_ns_grow_start",
    "shrink": "halt_poll_ns_shrink",
}
"""Module parameter of each knob."""
PASSES = 3
"""Rounds of aligning and of learning the offsets from it; the second hardly changes anything."""


@dataclass(frozen=True)
class Recording:
    """The halts of one vCPU in one trial, in the order they ended; arrays are (n,).

    `ns` and `window` are times in ns; `slept` says the vCPU was scheduled out, `valid` that the
    wake-up counts. `wakeup` is the index of the guest's wake-up that ended the halt, -1 where
    nothing tells; `offset` is `ns` less interval and latency of that wake-up.
    """

    row: Document
    thread: int
    ns: Ints
    slept: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    window: Ints
    wakeup: Ints
    offset: Ints

    @property
    def workload(self) -> str:
        return str(self.row["workload"]["name"])

    @property
    def closed(self) -> bool:
        """Whether the guest, or the client it serves, is known to wait for its own work."""
        workload = self.row["workload"]
        return workload["guest"] in CLOSED or workload.get("loop") == "closed"

    @property
    def aligned(self) -> bool:
        return bool(self.ns.size) and bool((self.wakeup >= 0).all())

    @property
    def cut(self) -> NDArray[np.bool_]:
        """Whether another task's want of the CPU ended the poll: it slept before its window ended.

        A poll that was cut in a halt longer than its window does not show.
        """
        return self.slept & (self.ns < self.window)

    @property
    def polled_ns(self) -> int:
        """Time polled in all halts, each poll in vain taken to the end of its window or halt."""
        polled = np.where(self.window > 0, np.minimum(self.ns, self.window), 0)
        return int(polled.sum())

    @property
    def latency(self) -> NDArray[np.float64]:
        """Latency in ns that the guest saw at the end of each halt; only where it is aligned."""
        return np.asarray(self.row["guest"]["latency_ns"], dtype=np.float64)[self.wakeup]


def recordings(row: Document) -> list[Recording]:
    """Halts of a measured trial, by vCPU; empty where the probe streamed none or lost some."""
    probe = row.get("haltpoll")
    if not probe or not row.get("guest") or probe["lost"] or not probe["halts"]:
        return []
    columns = {name: np.asarray(values, np.int64) for name, values in probe["stream"].items()}
    return [
        _of_thread(row, thread, {name: each[columns["thread"] == thread] for name, each in halts})
        for halts in (columns.items(),)
        for thread in np.unique(columns["thread"]).tolist()
    ]


def found_knobs(facts: Document) -> Knobs:
    """Return the module parameters that a host was found with; what it has not as by default."""
    found = (facts.get("kvm") or {}).get("parameters") or {}
    given = {
        name: int(found[f"kvm.{parameter}"])
        for name, parameter in PARAMETERS.items()
        if f"kvm.{parameter}" in found
    }
    return replace(Knobs(200_000), **given)


def knobs_of(row: Document, facts: Document) -> Knobs:
    """Return the setting that the trial ran under: as read back, else as set, else as found."""
    back = row.get("effective") or {}
    told = row["setting"] | {knob: value for knob, value in back.items() if value is not None}
    given = {
        name: int(told[f"host.{parameter}"])
        for name, parameter in PARAMETERS.items()
        if f"host.{parameter}" in told
    }
    if "vm.halt_poll_ns" in told:
        given["halt_poll_ns"] = int(told["vm.halt_poll_ns"])
    return replace(found_knobs(facts), **given)


def _of_thread(row: Document, thread: int, columns: dict[str, Ints]) -> Recording:
    slept = columns["waited"].astype(bool)
    wakeup, offset = _align(row, columns["ns"], slept)
    return Recording(
        row=row,
        thread=thread,
        ns=columns["ns"],
        slept=slept,
        valid=columns["valid"].astype(bool),
        window=columns["window"],
        wakeup=wakeup,
        offset=offset,
    )


def _align(row: Document, ns: Ints, slept: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Find the wake-up behind each halt: in order, as many left out as there are too many."""
    unknown = np.full(ns.size, -1), np.zeros(ns.size, np.int64)
    if row["workload"]["guest"] != "halt":
        return unknown
    latency = np.asarray(row["guest"]["latency_ns"], np.int64)
    intervals = np.asarray(
        _table()(row["workload"]["interval"], row["workload"]["count"], row["seed"])
    )[: latency.size]
    spare = latency.size - ns.size
    if spare < 0 or not ns.size:
        return unknown
    expected = intervals + latency
    # The shortest intervals are over before the guest halts.
    wakeup = np.sort(np.argsort(intervals, kind="stable")[spare:])
    for _ in range(PASSES if spare else 0):
        offset = ns - expected[wakeup]
        typical = np.zeros(ns.size)
        for outcome in (slept, ~slept):
            if outcome.any():
                typical[outcome] = np.median(offset[outcome])
        wakeup = _matched(ns - typical, expected, spare)
    return wakeup, ns - expected[wakeup]


def _matched(values: NDArray[np.float64], expected: Ints, spare: int) -> Ints:
    """Match values (n,) with expected (n + spare,) in order, at the least sum of distances.

    Dynamic programming over how many are left out so far (Needleman and Wunsch, J. Mol. Biol. 48
    (1970), with gaps on one side only).
    """
    n = values.size
    left_out = np.arange(spare + 1)
    best = np.zeros(spare + 1)
    choice = np.empty((n, spare + 1), np.int64)
    for i in range(n):
        # Leaving out more before a halt never costs: the best of as many or fewer so far.
        running = np.minimum.accumulate(best)
        choice[i] = np.maximum.accumulate(np.where(best == running, left_out, 0))
        best = running + np.abs(values[i] - expected[i + left_out])
    wakeup = np.empty(n, np.int64)
    k = int(np.argmin(best))
    for i in range(n - 1, -1, -1):
        wakeup[i] = i + k
        k = int(choice[i, k])
    return wakeup


@cache
def _table() -> Callable[[dict[str, Any], int, int], list[int]]:
    """Return the agent's own `table` of intervals: the guest's, from kind, count and seed."""
    module = runpy.run_path(str(PROBES / "agent" / "intervals.py"))
    table: Callable[[dict[str, Any], int, int], list[int]] = module["table"]
    return table
