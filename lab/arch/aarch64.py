"""arm64."""

from lab.arch.model import Architecture, Blind, Boundary

ARCHITECTURE = Architecture(
    title="arm64",
    fpu=(
        Boundary(
            kernels="all",
            where="at first use: the guest's first access after the vCPU was loaded traps into the "
            "hypervisor code, which switches; the host's registers are saved at vcpu load",
            source="kvm_arch_vcpu_load_fp() in arch/arm64/kvm/fpsimd.c, "
            "kvm_hyp_handle_fpsimd() in arch/arm64/kvm/hyp/include/hyp/switch.h",
        ),
    ),
    blind=(
        Blind(
            "exits that the hypervisor code resolves by itself (first use of the FPU, some page "
            "faults and system registers) go back to the guest without a tracepoint: they count as "
            "guest time",
            "fixup_guest_exit() in arch/arm64/kvm/hyp/include/hyp/switch.h",
        ),
        Blind(
            "WFI need not trap: with vLPIs or vSGIs in use and one task on the CPU a halt is guest "
            "time",
            "kvm_vcpu_should_clear_twi() in arch/arm64/kvm/arm.c",
        ),
        Blind(
            "what runs at EL2 under nVHE or pKVM is out of reach of the host's probes",
            "arch/arm64/kvm/hyp/nvhe/",
        ),
    ),
)
