"""s390x: SIE, in a partition of PR/SM, below z/VM or KVM, or under an emulator."""

from __future__ import annotations

from pathlib import Path

from agent.arch import NO_HALTPOLL, Emulator, Finding, Function, classes
from agent.files import read_text
from agent.printfmt import Symbols
from agent.tracepoint import Event

ROOT = Path("/")

# What emulators write where IBM stands: Hercules stsi.c; QEMU target/s390x/tcg/misc_helper.c.
EMULATORS = {"HRC": "Hercules", "QEMU": "QEMU"}

IOC_NONE, IOC_WRITE = 0, 1 << 30

RUN = "kvm_arch_vcpu_ioctl_run() in arch/s390/kvm/kvm-s390.c"
# kernel_fpu_begin() and _end() are inlined down to a look whether anyone else's registers are
# there; only then they call these (arch/s390/include/asm/fpu.h).
UNSHARED = "nobody else's vector registers were in the way, and that case is inlined"
FUNCTIONS = (
    # Before Linux commit c44d36d8e650 ("KVM: s390: Save and restore user fpu and vector registers
    # …", in v6.9) registers were saved by save_fpu_regs() and loaded inside sie64a().
    Function(("__kernel_fpu_begin", "save_fpu_regs"), "fpu", "KVM_RUN", RUN, UNSHARED),
    Function(("__kernel_fpu_end", "load_fpu_regs"), "fpu", "KVM_RUN", RUN, UNSHARED),
    Function(("sync_regs",), "fpu", "KVM_RUN", RUN),
    Function(("store_regs",), "fpu", "KVM_RUN", RUN),
)
FPU_TRACEPOINT = None

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
EMULATOR = Emulator(
    "qemu-system-s390x",
    ("-machine", "s390-ccw-virtio", "-cpu", "host"),
    "ttysclp0",
    "virtio-net-ccw",
)

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


def inert(knob: str) -> Finding | None:
    return NO_HALTPOLL if knob.startswith("guest.") else None


def _steal_percent() -> int:
    """Return the share of time since boot that the level below took (proc(5), /proc/stat)."""
    ticks = [int(word) for word in (read_text(ROOT / "proc/stat") or "").split()[1:9]]
    return 100 * ticks[7] // sum(ticks) if any(ticks) else 0


def cautions(knob: str) -> list[Finding]:
    limit = read_text(ROOT / "sys/module/kvm/parameters/halt_poll_max_steal")
    if "halt_poll" not in knob or limit is None or _steal_percent() < int(limit):
        return []
    return [
        Finding(
            f"the level below took {_steal_percent()} % of this host's time since boot, and at "
            f"halt_poll_max_steal ({limit} %) KVM does not poll",
            "kvm_arch_no_poll() in arch/s390/kvm/kvm-s390.c",
        )
    ]


def microcode() -> str | None:
    # Its level (MCL) is shown by the machine's console only.
    return None
