"""x86_64."""

from lab.arch.model import Architecture, Blind, Boundary

ARCHITECTURE = Architecture(
    title="x86",
    fpu=(
        Boundary(
            kernels="4.19 and later",
            where="at KVM_RUN: loaded when the ioctl begins, put when it returns",
            source="kvm_arch_vcpu_ioctl_run(), kvm_load_guest_fpu() in arch/x86/kvm/x86.c",
        ),
    ),
    blind=(
        Blind(
            "exits that the fastpath answers re-enter the guest at once and are traced like any "
            "other: a class may hold two kinds of handling, short and full",
            "vcpu_enter_guest(), EXIT_FASTPATH_REENTER_GUEST in arch/x86/kvm/x86.c",
        ),
        Blind(
            "with APICv or AVIC, timers and interrupts between vCPUs need no exit and are in no "
            "class",
            "arch/x86/kvm/vmx/posted_intr.c, arch/x86/kvm/svm/avic.c",
        ),
        Blind(
            "under a software KVM (pvm) kvm_entry and kvm_exit stay silent",
            "seen on Linux 6.18",
        ),
    ),
)
