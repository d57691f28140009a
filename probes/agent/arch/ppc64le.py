"""ppc64le: KVM-HV and KVM-PR, on PowerNV, in a PowerVM partition or under QEMU."""

from __future__ import annotations

import os
import re
from pathlib import Path

from agent.arch import NO_HALTPOLL, Emulator, Finding, Function, classes
from agent.files import read_text
from agent.printfmt import Symbols
from agent.tracepoint import Event

ROOT = Path("/")

# With both loaded, KVM_CREATE_VM without a type makes an HV one (api.rst).
FLAVOURS = (("kvm_hv", "hv"), ("kvm_pr", "pr"))
ISA_3_0 = 9  # POWER9
BY_QEMU = "emulated by qemu"

# arch/powerpc/include/uapi/asm/ioctl.h: three direction bits, one of them for none.
IOC_NONE, IOC_WRITE = 1 << 29, 1 << 31

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

EXIT = "kvm_hv:kvm_guest_exit"
PR_EXIT = "kvm_pr:kvm_exit"
# A host runs one flavour, and the other's tracepoints are not there: nothing is lost.
EVENTS = (
    Event("kvm_hv:kvm_guest_enter", "on_entry", blind={}),
    Event(EXIT, "on_exit", ("ceded", "trap"), blind={}),
    Event("kvm_hv:kvm_hcall_enter", "on_hcall", ("req",), refines="req", blind={}),
    Event("kvm_pr:kvm_book3s_reenter", "on_entry", blind={}),
    Event(PR_EXIT, "on_pr_exit", ("exit_nr",), blind={}),
)
HALT_EVENTS = (Event("kvm_hv:kvmppc_vcore_blocked", "on_vcore_blocked", ("where",), blind={}),)
NOT_VISIBLE: dict[str, str] = {}
# A guest's hash page table can have no larger pages than the host backs it with, and QEMU asks for
# 64 KiB unless told (docs/system/ppc/pseries.rst: cap-hpt-max-page-size).
PAGE = os.sysconf("SC_PAGE_SIZE")
EMULATOR = Emulator(
    "qemu-system-ppc64",
    ("-machine", f"pseries,cap-hpt-max-page-size={PAGE}", "-cpu", "host"),
    "hvc0",
)

# Interrupt vectors and hypercalls by the names of arch/powerpc/kvm/trace_book3s.h and trace_hv.h.
EXIT_CLASSES = classes(
    halt=r"^ceded$",
    ipi=r": (H_IPI|H_PROD)$",
    kernel_io=r": (kvm_mmio|H_LOGICAL_CI_(LOAD|STORE))$",
    hypercall=r"^SYSCALL",
    interrupt=r"^(EXTERNAL|DECREMENTER|HV_DECREMENTER|PERFMON|SYSTEM_RESET|DOORBELL|H_DOORBELL)",
    page_fault=r"^(H_)?(DATA|INST)_(STORAGE|SEGMENT)",
    feature=r"^(PROGRAM|H_EMUL_ASSIST|FP_UNAVAIL|ALTIVEC|VSX|ALIGNMENT|TRACE)",
)


def _cpuinfo(key: str) -> str:
    for line in (read_text(ROOT / "proc/cpuinfo") or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""


def _device_tree(node: str) -> str | None:
    return read_text(ROOT / "proc/device-tree" / node)


def exit_name(code: int, tables: dict[str, list[Symbols]]) -> str:
    if code >> 32:
        # H_CEDE is a system call like the others, and no tracepoint of hypercalls tells it.
        return "ceded"
    for table in tables[EXIT] + tables[PR_EXIT]:
        if code in table.names:
            return table.names[code]
    return f"{code:#x}"


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
    if knob.startswith("guest."):
        return NO_HALTPOLL
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
