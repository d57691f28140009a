"""ppc64le: KVM-HV and KVM-PR, on PowerNV, in a PowerVM partition or under QEMU."""

from __future__ import annotations

import re
from pathlib import Path

from agent.arch import Finding, Function
from agent.files import read_text

ROOT = Path("/")

# With both loaded, KVM_CREATE_VM without a type makes an HV one (api.rst).
FLAVOURS = (("kvm_hv", "hv"), ("kvm_pr", "pr"))
ISA_3_0 = 9  # POWER9
BY_QEMU = "emulated by qemu"

# arch/powerpc/include/uapi/asm/ioctl.h: three direction bits, one of them for none.
IOC_NONE = 1 << 29

P9_ENTRY = "kvmhv_vcpu_entry_p9() in arch/powerpc/kvm/book3s_hv_p9_entry.c"
ASSEMBLY = "arch/powerpc/kernel/{}.S, by load_vcpu_state() and store_vcpu_state()"
FTRACE_OFF = "KVM-HV turns ftrace off on its CPU around the guest (this_cpu_disable_ftrace())"
PR = "arch/powerpc/kvm/book3s_pr.c"
FUNCTIONS = (
    Function(("load_vcpu_state",), "fpu", "entry", P9_ENTRY, FTRACE_OFF),
    Function(("store_vcpu_state",), "fpu", "entry", P9_ENTRY, FTRACE_OFF),
    Function(("load_fp_state",), "fpu", "entry", ASSEMBLY.format("fpu")),
    Function(("store_fp_state",), "fpu", "entry", ASSEMBLY.format("fpu")),
    Function(("load_vr_state",), "fpu", "entry", ASSEMBLY.format("vector")),
    Function(("store_vr_state",), "fpu", "entry", ASSEMBLY.format("vector")),
    Function(("kvmppc_handle_ext",), "fpu", "first use", PR),
    Function(("kvmppc_giveup_ext",), "fpu", "vcpu load", PR),
)
FPU_TRACEPOINT = None


def _cpuinfo(key: str) -> str:
    for line in (read_text(ROOT / "proc/cpuinfo") or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""


def _device_tree(node: str) -> str | None:
    return read_text(ROOT / "proc/device-tree" / node)


def flavour() -> str | None:
    for module, name in FLAVOURS:
        if (ROOT / "sys/module" / module).exists():
            return name
    return None


def hypervisor() -> str | None:
    # QEMU writes this node for its guests under KVM only: hw/ppc/spapr.c, spapr_dt_hypervisor().
    if _device_tree("hypervisor/compatible"):
        return "KVM"
    if BY_QEMU in _cpuinfo("model"):
        return "QEMU"
    return "PowerVM" if _cpuinfo("platform") == "pSeries" else None


def clock_class() -> tuple[str, str]:
    under = hypervisor()
    if under == "QEMU":
        return "emulated", f"the machine calls itself {_cpuinfo('model')}, and is no guest of KVM"
    if under:
        return "nested", f"this host is a partition of {under}"
    return "hardware", f"/proc/cpuinfo has the platform {_cpuinfo('platform') or 'unnamed'}"


def inert(knob: str) -> Finding | None:
    generation = re.match(r"POWER(\d+)", _cpuinfo("cpu"), re.IGNORECASE)
    if "halt_poll" not in knob or flavour() != "hv" or generation is None:
        return None
    if int(generation[1]) >= ISA_3_0:
        return Finding(
            "KVM-HV on POWER9 and later sends a vCPU that halts to sleep without polling",
            "kvmhv_run_single_vcpu() in arch/powerpc/kvm/book3s_hv.c",
        )
    if knob.startswith("vm."):
        return Finding(
            "KVM-HV on POWER8 polls by the module's parameters and has no ceiling for one VM",
            "kvmppc_vcore_blocked(), a copy of halt polling, in arch/powerpc/kvm/book3s_hv.c",
        )
    return None


def cautions(_knob: str) -> list[Finding]:
    return []


def microcode() -> str | None:
    return _device_tree("ibm,opal/firmware/version") or _device_tree("openprom/model")
