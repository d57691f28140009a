"""s390x."""

from lab.arch.model import Architecture, Blind, Boundary

ARCHITECTURE = Architecture(
    title="s390x",
    fpu=(
        Boundary(
            kernels="4.19",
            where="at KVM_RUN: saved around the ioctl, the guest's loaded on the way into SIE",
            source="sync_regs(), store_regs() in arch/s390/kvm/kvm-s390.c, sie64a",
        ),
        Boundary(
            kernels="since 6.9",
            where="at KVM_RUN, by kernel_fpu_begin() and kernel_fpu_end()",
            source="commit c44d36d8e650",
        ),
    ),
    blind=(
        Blind(
            "kvm_s390_sie_enter fires before interrupts are off and the guest's clock runs, "
            "kvm_s390_sie_exit after: `guest` holds that path as well",
            "vcpu_pre_run(), vcpu_post_run() in arch/s390/kvm/kvm-s390.c",
        ),
        Blind(
            "instructions that the SIE interprets by itself, and interrupts it delivers through "
            "the GISA, make no exit",
            "arch/s390/kvm/interrupt.c",
        ),
    ),
)
