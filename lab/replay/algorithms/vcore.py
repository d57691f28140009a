"""KVM-HV's private copy on POWER8: the window belongs to a virtual core, not to a vCPU.

`kvmppc_vcore_blocked()` with its own `grow_halt_poll_ns()` and `shrink_halt_poll_ns()` in
`arch/powerpc/kvm/book3s_hv.c`, since "KVM: PPC: Book3S HV: Implement halt polling in the kvm_hv
kernel module" (4.9), with `grow_start` since 49113d360bde (5.1). It polls when all vCPUs of the
virtual core have ceded, reads the module's `halt_poll_ns` (KVM_CAP_HALT_POLL is ignored), knows no
invalid wake-up, does not guard shrinking with `grow_start`, and cuts to the ceiling after a halt.
A replay of one vCPU is that of a virtual core with one thread.
"""

from lab.replay.algorithms.generic_5_1 import begin, grow, shrink
from lab.replay.algorithms.model import CLEAR, GROW, KEEP, SHRINK, Algorithm


def verdict(window: int, ns: int, slept: bool, valid: bool, ceiling: int) -> int:  # noqa: ARG001, FBT001
    """Judge by the length of the halt; every wake-up counts."""
    if ceiling == 0:
        return CLEAR
    if ns <= window:
        return KEEP
    if window and ns > ceiling:
        return SHRINK
    if window < ceiling and ns < ceiling:
        return GROW
    return KEEP


VCORE = Algorithm(
    name="vcore",
    title="KVM-HV on POWER8",
    source="kvmppc_vcore_blocked() in arch/powerpc/kvm/book3s_hv.c, 49113d360bde",
    begin=begin,
    verdict=verdict,
    grow=grow,
    shrink=shrink,
    flavours=frozenset({"hv"}),
)
