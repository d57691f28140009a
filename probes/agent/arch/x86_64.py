"""x86-64: VMX, SVM and the software KVM of pvm."""

from __future__ import annotations

from pathlib import Path

from agent.arch import Function
from agent.files import read_text

FLAVOURS = (("kvm_intel", "vmx"), ("kvm_amd", "svm"), ("kvm_pvm", "pvm"))

IOC_NONE = 0

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
FPU_TRACEPOINT = ("kvm:kvm_fpu", ("load",))


def _cpuinfo(key: str) -> str:
    for line in (read_text("/proc/cpuinfo") or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""


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


def inert(_knob: str) -> str | None:
    return None
