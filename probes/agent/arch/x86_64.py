"""x86-64: VMX, SVM and the software KVM of pvm."""

from __future__ import annotations

import fcntl
import struct
from pathlib import Path

from agent.arch import Emulator, Finding, Function, classes
from agent.files import read_text
from agent.printfmt import Symbols
from agent.tracepoint import Event

FLAVOURS = (("kvm_intel", "vmx"), ("kvm_amd", "svm"), ("kvm_pvm", "pvm"))

IOC_NONE, IOC_WRITE = 0, 1 << 30

# arch/x86/include/uapi/asm/kvm.h: _IOWR(KVMIO, 0x05, struct kvm_cpuid2); kvm_cpuid_entry2 holds
# function, index, flags, eax to edx and padding.
KVM_GET_SUPPORTED_CPUID = 0xC008AE05
ENTRY = struct.Struct("7I12x")
LEAVES = 256
# Documentation/virt/kvm/x86/cpuid.rst: KVM_FEATURE_POLL_CONTROL
KVM_FEATURES, POLL_CONTROL = 0x40000001, 1 << 12

RUN = "kvm_arch_vcpu_ioctl_run() in arch/x86/kvm/x86.c"
FUNCTIONS = (
    Function(
        ("fpu_swap_kvm_fpstate",),
        "fpu",
        "KVM_RUN",
        f"arch/x86/kernel/fpu/core.c; twice in {RUN}: guest's registers in, guest's out",
    ),
    Function(("kvm_load_guest_fpu",), "fpu", "KVM_RUN", RUN),
    Function(("kvm_put_guest_fpu",), "fpu", "KVM_RUN", RUN),
)
FPU_TRACEPOINT = Event("kvm:kvm_fpu", "on_fpu", ("load",))

# arch/x86/include/asm/kvm_host.h, KVM_ISA_VMX
ISA_VMX = 1

EXIT = "kvm:kvm_exit"
EVENTS = (
    Event("kvm:kvm_entry", "on_entry"),
    Event(EXIT, "on_exit", ("isa", "exit_reason")),
    Event(
        "kvm:kvm_apic_ipi",
        "on_apic_ipi",
        refines="",
        blind={"ipi": "this kernel has no tracepoint kvm:kvm_apic_ipi that tells it"},
    ),
)
HALT_EVENTS = ()
NOT_VISIBLE: dict[str, str] = {}
EMULATOR = Emulator("qemu-system-x86_64", ("-machine", "q35", "-cpu", "host"), "ttyS0")

# Names of VMX in capitals, of SVM in small letters (arch/x86/include/uapi/asm/{vmx,svm}.h).
EXIT_CLASSES = classes(
    ipi=r": kvm_apic_ipi$|^avic_incomplete_ipi",
    kernel_io=r": kvm_mmio$|^(EPT_MISCONFIG|IO_INSTRUCTION|io|APIC_ACCESS|APIC_WRITE|EOI_INDUCED|"
    r"avic_unaccelerated_access|vmgexit_mmio_(read|write))$",
    halt=r"^(HLT|hlt|MWAIT_INSTRUCTION|mwait|mwait_cond|UMWAIT|TPAUSE|vmgexit_ap_hlt_loop)$",
    hypercall=r"^(VMCALL|hypercall|vmgexit)$",
    interrupt=r"^(EXTERNAL_INTERRUPT|INTERRUPT_WINDOW|NMI_WINDOW|PREEMPTION_TIMER|INIT_SIGNAL|"
    r"SIPI_SIGNAL|TPR_BELOW_THRESHOLD|interrupt|nmi|smi|init|vintr)$",
    page_fault=r"^(EPT_VIOLATION|PML_FULL|npf|PF excp)$",
    feature=r"^(read|write)_|^(CPUID|INVD|INVLPG|RDPMC|RDTSC|RDTSCP|CR_ACCESS|DR_ACCESS|MSR_READ|"
    r"MSR_WRITE|MONITOR_INSTRUCTION|PAUSE_INSTRUCTION|GDTR_IDTR|LDTR_TR|WBINVD|XSETBV|RDRAND|"
    r"RDSEED|INVPCID|XSAVES|XRSTORS|cr0_sel_write|rdtsc|rdtscp|rdpmc|cpuid|invd|pause|invlpg|"
    r"invlpga|msr|wbinvd|monitor|xsetbv|invpcid|UD excp|NM excp|GP excp)$",
)


def _cpuinfo(key: str) -> str:
    for line in (read_text("/proc/cpuinfo") or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""


def exit_name(code: int, tables: dict[str, list[Symbols]]) -> str:
    # The print fmt picks between two tables: `(REC->isa == 1) ? VMX : SVM`.
    isa, reason = code >> 32, code & 0xFFFFFFFF
    vmx = isa == ISA_VMX
    for table in tables[EXIT][0 if vmx else 1 :]:
        # VMX keeps flags above the basic reason, SVM has one name for -1.
        key = reason & 0xFFFF if vmx else reason
        for candidate in (key, key - (1 << 32)):
            if candidate in table.names:
                return table.names[candidate]
    return f"{reason:#x}"


def flavour() -> str | None:
    for module, name in FLAVOURS:
        if Path("/sys/module", module).exists():
            return name
    return None


def hypervisor() -> str | None:
    # CPUID.1:ECX[31] is reserved for hypervisors to show themselves; Linux names it so.
    if "hypervisor" not in _cpuinfo("flags").split():
        return None
    return (
        read_text("/sys/class/dmi/id/sys_vendor") or read_text("/sys/hypervisor/type") or "unknown"
    )


def clock_class() -> tuple[str, str]:
    model = _cpuinfo("model name")
    if "TCG" in model:
        return "emulated", f"the CPU calls itself {model}"
    if hypervisor():
        return "nested", "the hypervisor flag is set in /proc/cpuinfo"
    return "hardware", "no hypervisor flag in /proc/cpuinfo"


def microcode() -> str | None:
    return _cpuinfo("microcode") or None


def inert(_knob: str) -> Finding | None:
    return None


def _offers_poll_control() -> bool:
    """Ask KVM whether its guests are told of MSR_KVM_POLL_CONTROL."""
    request = bytearray(struct.pack("II", LEAVES, 0) + bytes(LEAVES * ENTRY.size))
    try:
        with Path("/dev/kvm").open("rb+", buffering=0) as kvm:
            fcntl.ioctl(kvm, KVM_GET_SUPPORTED_CPUID, request)
    except OSError:
        return False
    (count,) = struct.unpack_from("I", request)
    entries = (ENTRY.unpack_from(request, 8 + ENTRY.size * i) for i in range(count))
    return any(entry[0] == KVM_FEATURES and entry[3] & POLL_CONTROL for entry in entries)


def cautions(knob: str) -> list[Finding]:
    if "halt_poll" not in knob or not _offers_poll_control():
        return []
    return [
        Finding(
            "KVM offers its guests MSR_KVM_POLL_CONTROL: Linux guests with the cpuidle driver "
            "haltpoll switch polling by the host off (the lab's own guest does not)",
            "kvm_arch_no_poll() in arch/x86/kvm/x86.c, Documentation/virt/kvm/x86/msr.rst",
        )
    ]
