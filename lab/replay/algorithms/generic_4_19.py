"""Halt polling of Linux 4.19, the kernel of KVM Forum 2018.

Read in full at v4.19, `kvm_vcpu_block()` in `virt/kvm/kvm_main.c`. The first step is 10 µs whatever
`grow_start` says, and a `grow` of 0 sets the window to 0.

A success is a wake-up that the poll loop itself saw. Since 30c9434717fd (5.17) it is any halt with
a window that was never scheduled out: KVM's `halt_successful_poll` counts late hits too. The window
follows the length of the halt under both, so only the counting differs.
"""

from lab.replay.algorithms.generic import verdict
from lab.replay.algorithms.generic_5_1 import begin, shrink
from lab.replay.algorithms.model import U32, Algorithm

BASE = 10_000


def grow(window: int, ceiling: int, factor: int, start: int) -> int:  # noqa: ARG001
    """Begin at 10 µs, else multiply as an unsigned int does, and cut to the ceiling."""
    grown = BASE if window == 0 and factor else window * factor & U32
    return min(grown, ceiling)


GENERIC_4_19 = Algorithm(
    name="generic-4.19",
    title="Linux 4.19",
    source="kvm_vcpu_block() in virt/kvm/kvm_main.c, v4.19",
    begin=begin,
    verdict=verdict,
    grow=grow,
    shrink=shrink,
)
