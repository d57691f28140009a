"""Halt polling of `virt/kvm/kvm_main.c`, as it is since Linux 6.1.

Read at Linux 6.12 (`kvm_vcpu_halt()`, `grow_halt_poll_ns()`, `shrink_halt_poll_ns()`), and the
same in the patches on the list for 6.18 and later. The commits that made it what it is:

- 49113d360bde (5.1): `grow_start` is a parameter.
- ae232ea46088 (5.15): a window that shrinks below `grow_start` is 0.
- 97b6847ac10b (6.1): the window is cut to the ceiling when a halt begins, not when it grows. So
  KVM traces windows above the ceiling, which no halt ever polls. 5.15 to 6.0 poll the same.
- aeb1b22a3ac8 (6.11): the default of `shrink` is 2; it was 0. That is a setting, not an algorithm.
"""

from lab.replay.algorithms.model import CLEAR, GROW, KEEP, SHRINK, U32, Algorithm


def begin(window: int, ceiling: int) -> int:
    """Cut the window to the ceiling."""
    return min(window, ceiling)


def verdict(window: int, ns: int, slept: bool, valid: bool, ceiling: int) -> int:  # noqa: ARG001, FBT001
    """Judge by the length of the halt; whether the poll saw the wake-up does not matter."""
    if not valid:
        return SHRINK
    if ceiling == 0:
        return CLEAR
    if ns <= window:
        return KEEP
    if window and ns > ceiling:
        return SHRINK
    if window < ceiling and ns < ceiling:
        return GROW
    return KEEP


def grow(window: int, ceiling: int, factor: int, start: int) -> int:  # noqa: ARG001
    """Multiply as an unsigned int does, and begin at `start`; a factor of 0 leaves it as it is."""
    if factor == 0:
        return window
    return max(window * factor & U32, start)


def shrink(window: int, divisor: int, start: int) -> int:
    """Divide; a divisor of 0, and a result below `start`, make it 0."""
    if divisor == 0:
        return 0
    shrunk = window // divisor
    return shrunk if shrunk >= start else 0


GENERIC = Algorithm(
    name="generic",
    title="Linux 6.1 and later",
    source="kvm_vcpu_halt() in virt/kvm/kvm_main.c, 97b6847ac10b",
    begin=begin,
    verdict=verdict,
    grow=grow,
    shrink=shrink,
)
