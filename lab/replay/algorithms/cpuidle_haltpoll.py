"""Polling inside the guest: the governor of cpuidle-haltpoll.

`haltpoll_select()` and `adjust_poll_limit()` in `drivers/cpuidle/governors/haltpoll.c`, since
2cffe9f6b96f (5.4); read at 9f4813b531a0, which counts the halt in microseconds, and as it is now,
in nanoseconds. The parameters are the guest's: `guest_halt_poll_ns` (200000),
`guest_halt_poll_grow` (2), `guest_halt_poll_grow_start` (50000), `guest_halt_poll_shrink` (2);
`guest_halt_poll_allow_shrink` is taken to be Y, its default.

The limit is judged by the halt behind the poll alone, not by the whole of the idleness: a poll in
vain of 50 µs before a halt of 30 µs changes nothing, where the host's algorithm would grow. A poll
that saw its wake-up is never judged. What the guest sees of a halt is what the host recorded
of it; the exits saved by not halting come on top.
"""

from lab.replay.algorithms.generic_5_1 import begin, shrink
from lab.replay.algorithms.model import GROW, KEEP, SHRINK, U32, Algorithm


def verdict(window: int, ns: int, slept: bool, valid: bool, ceiling: int) -> int:  # noqa: ARG001, FBT001
    """Judge by how long the CPU was halted after it had polled."""
    if not slept:
        return KEEP
    halted = ns - window
    if window < halted <= ceiling:
        return GROW
    return SHRINK if halted > ceiling else KEEP


def grow(window: int, ceiling: int, factor: int, start: int) -> int:
    """Multiply as an unsigned int does, begin at `start` (also by a factor of 0), and cut."""
    return min(max(window * factor & U32, start), ceiling)


CPUIDLE_HALTPOLL = Algorithm(
    name="cpuidle-haltpoll",
    title="the guest's cpuidle_haltpoll",
    source="adjust_poll_limit() in drivers/cpuidle/governors/haltpoll.c, 2cffe9f6b96f",
    begin=begin,
    verdict=verdict,
    grow=grow,
    shrink=shrink,
)
