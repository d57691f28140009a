"""Halt polling of Linux 5.1 to 5.14: `grow_start` is a parameter, and nothing guards shrinking.

49113d360bde (5.1) made the first step a parameter; "KVM: grow_halt_poll_ns() should never shrink
vCPU halt_poll_ns", of the same series, made a factor of 0 leave the window alone. Before
ae232ea46088 (5.15) a shrinking window passes through values like 39, 19 and 9 ns, which no wake-up
can hit. It is cut to the ceiling when it grows.
"""

from lab.replay.algorithms.generic import verdict
from lab.replay.algorithms.model import U32, Algorithm


def begin(window: int, ceiling: int) -> int:  # noqa: ARG001
    """Take the window as the last halt left it."""
    return window


def grow(window: int, ceiling: int, factor: int, start: int) -> int:
    """Multiply as an unsigned int does, begin at `start`, and cut to the ceiling."""
    if factor == 0:
        return window
    return min(max(window * factor & U32, start), ceiling)


def shrink(window: int, divisor: int, start: int) -> int:  # noqa: ARG001
    """Divide; a divisor of 0 makes it 0."""
    return window // divisor if divisor else 0


GENERIC_5_1 = Algorithm(
    name="generic-5.1",
    title="Linux 5.1 to 5.14",
    source="kvm_vcpu_block() in virt/kvm/kvm_main.c, before ae232ea46088",
    begin=begin,
    verdict=verdict,
    grow=grow,
    shrink=shrink,
)
