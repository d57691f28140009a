"""ppc64le."""

from lab.arch.model import Architecture, Blind, Boundary

ARCHITECTURE = Architecture(
    title="ppc64",
    fpu=(
        Boundary(
            kernels="POWER9 and later, KVM-HV",
            where="at every guest entry",
            source="load_vcpu_state(), store_vcpu_state() in arch/powerpc/kvm/book3s_hv_p9_entry.c",
        ),
        Boundary(
            kernels="KVM-PR",
            where="at first use: the guest's facility-unavailable interrupt loads them",
            source="kvmppc_handle_ext() in arch/powerpc/kvm/book3s_pr.c",
        ),
    ),
    blind=(
        Blind(
            "ftrace is off on the CPU around the entry: functions inside that window, those that "
            "switch the registers among them, cannot be probed",
            "kvmhv_p9_guest_entry() in arch/powerpc/kvm/book3s_hv.c",
        ),
        Blind(
            "POWER9 and later do not poll: kvm_vcpu_wakeup never fires, a halt is an exit with "
            "`ceded`",
            "kvmhv_run_single_vcpu() in arch/powerpc/kvm/book3s_hv.c",
        ),
    ),
)
