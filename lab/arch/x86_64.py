"""x86_64."""

from lab.arch.model import Architecture, Blind, Boundary

ARCHITECTURE = Architecture(
    title="x86",
    fpu=(
        Boundary(
            kernels="since 5.2",
            where="at KVM_RUN: loaded when the ioctl begins, put when it returns",
            source="kvm_arch_vcpu_ioctl_run(), kvm_load_guest_fpu() in arch/x86/kvm/x86.c",
        ),
    ),
    blind=(
        Blind(
            "an exit that the fastpath answers goes back into the guest at once: its handling is "
            "the few instructions between the two tracepoints, most of which run before kvm_exit",
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
