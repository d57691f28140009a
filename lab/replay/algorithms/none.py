"""KVM-HV on POWER9 and later: `kvmhv_run_single_vcpu()` sends a vCPU that halts to sleep at once.

`arch/powerpc/kvm/book3s_hv.c`; the private copy of POWER8 warns when it is called there. Every
setting gives the same: the negative control.
"""

from lab.replay.algorithms.model import KEEP, Algorithm


def begin(window: int, ceiling: int) -> int:  # noqa: ARG001
    """Have no window."""
    return 0


def verdict(window: int, ns: int, slept: bool, valid: bool, ceiling: int) -> int:  # noqa: ARG001, FBT001
    """Leave it so."""
    return KEEP


def grow(window: int, ceiling: int, factor: int, start: int) -> int:  # noqa: ARG001
    """Never called: no verdict grows it."""
    return 0


def shrink(window: int, divisor: int, start: int) -> int:  # noqa: ARG001
    """Never called: no verdict shrinks it."""
    return 0


NONE = Algorithm(
    name="none",
    title="KVM-HV on POWER9 and later: it does not poll",
    source="kvmhv_run_single_vcpu() in arch/powerpc/kvm/book3s_hv.c",
    begin=begin,
    verdict=verdict,
    grow=grow,
    shrink=shrink,
)
