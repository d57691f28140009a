"""s390x: SIE, in a partition of PR/SM, below z/VM or KVM, or under an emulator."""

from __future__ import annotations

from pathlib import Path

from agent.arch import classes
from agent.files import read_text
from agent.printfmt import Symbols
from agent.tracepoint import Event

ROOT = Path("/")

# What emulators write where IBM stands: Hercules stsi.c; QEMU target/s390x/tcg/misc_helper.c.
EMULATORS = {"HRC": "Hercules", "QEMU": "QEMU"}

IOC_NONE = 0

EXIT = "kvm:kvm_s390_sie_exit"
NO_EVENT = "this kernel has no tracepoint that tells it"
EVENTS = (
    Event("kvm:kvm_s390_sie_enter", "on_entry"),
    Event(EXIT, "on_exit", ("icptcode",)),
    Event(
        "kvm:kvm_s390_intercept_instruction",
        "on_instruction",
        ("instruction",),
        refines="instruction",
        blind={"feature": NO_EVENT},
    ),
    Event(
        "kvm:kvm_s390_handle_diag",
        "on_diag",
        ("code",),
        refines="code",
        blind={"hypercall": NO_EVENT},
    ),
    Event(
        "kvm:kvm_s390_handle_sigp",
        "on_sigp",
        ("order_code",),
        refines="order_code",
        blind={"ipi": NO_EVENT},
    ),
    Event(
        "kvm:kvm_s390_intercept_prog",
        "on_prog",
        ("code",),
        refines="code",
        blind={"page_fault": NO_EVENT},
    ),
)
HALT_EVENTS = ()
NOT_VISIBLE = {
    "page_fault": "a fault of the host while the guest runs leaves SIE as a host interruption, and "
    "counts as an interrupt",
}

# Names of arch/s390/include/uapi/asm/sie.h, by what the intercept tracepoints found.
EXIT_CLASSES = classes(
    ipi=r": (SIGP |kvm_s390_handle_sigp )",
    hypercall=r": (DIAG \(|kvm_s390_handle_diag )",
    page_fault=r": Prog (Page|Segment|Region|Protection|Addressing)",
    kernel_io=r": kvm_mmio$|: 0xB2 (SSCH|TSCH|TPI|STSCH|MSCH|CHSC|SIGA|SERVC)|^I/O (request|instr)",
    halt=r"^Wait state",
    interrupt=r"^(Host interruption|External (request|interruption)|I/O interruption|Stop request)",
    feature=r"^(Instruction|Program interruption|Operation exception|Partial-execution|Timing)",
)


def _sysinfo(key: str) -> str:
    for line in (read_text(ROOT / "proc/sysinfo") or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""


def _features() -> list[str]:
    for line in (read_text(ROOT / "proc/cpuinfo") or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "features":
            return value.split()
    return []


def exit_name(code: int, tables: dict[str, list[Symbols]]) -> str:
    return tables[EXIT][0].names.get(code, f"{code:#x}")


def flavour() -> str | None:
    # Without SIE the node /dev/kvm may be there all the same, and the module refuses to load.
    return "sie" if (ROOT / "sys/module/kvm").exists() and "sie" in _features() else None


def hypervisor() -> str | None:
    if emulator := EMULATORS.get(_sysinfo("Manufacturer")):
        return emulator
    # VM00 is the innermost of the levels of virtual machines (arch/s390/kernel/sysinfo.c).
    if program := _sysinfo("VM00 Control Program"):
        return program
    partition = _sysinfo("LPAR Name")
    return f"LPAR {partition}" if partition else None


def clock_class() -> tuple[str, str]:
    maker = _sysinfo("Manufacturer")
    if emulator := EMULATORS.get(maker):
        return "emulated", f"/proc/sysinfo names the manufacturer {maker}, which is {emulator}"
    if program := _sysinfo("VM00 Control Program"):
        return "nested", f"/proc/sysinfo names the control program {program}"
    # There is no s390x without partitions: an LPAR is as near to the hardware as it gets.
    return "hardware", "/proc/sysinfo names no control program between this and its LPAR"


def inert(_knob: str) -> str | None:
    return None


def microcode() -> str | None:
    # Its level (MCL) is shown by the machine's console only.
    return None
