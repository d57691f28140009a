"""arm64: VHE and nVHE, by what the kernel said as KVM came up, or by the timer it keeps."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from agent.arch import NO_HALTPOLL, Emulator, Finding, Function, classes
from agent.files import read_text
from agent.printfmt import Symbols
from agent.tracepoint import Event

ROOT = Path("/")

# arch/arm64/kvm/arm.c, kvm_arm_init(). hVHE and protected modes are nVHE ones: the host is in EL1.
INITIALIZED = re.compile(r"kvm \[\d+\]: (\w.*?) mode\b.*initialized successfully")
# drivers/firmware/smccc/kvm_guest.c
KVM_SERVICES = "KVM: hypervisor services detected"
PARAMETERS = "Documentation/admin-guide/kernel-parameters.txt"
NO_TRAP = "kvm-arm.wfi_trap_policy=notrap"
# vgic_v3_probe() in arch/arm64/kvm/vgic/vgic-v3.c says so
GICV4 = re.compile(r"GICv4(\.1)? support (\S+ )?enabled")
# arch/arm64/kernel/setup.c, the first line of all
FIRST_WORDS = "Booting Linux on physical CPU"

# drivers/clocksource/arm_arch_timer.c, arch_timer_select_ppi(): a kernel in EL2 takes the timer of
# EL2, one that left EL2 to nVHE the physical timer. Numbers: Arm BSA, "PPI assignments".
TIMERS = {"26": "vhe", "28": "vhe", "29": "nvhe", "30": "nvhe"}

IOC_NONE, IOC_WRITE = 0, 1 << 30

FPSIMD = "arch/arm64/kvm/fpsimd.c"
FUNCTIONS = (
    Function(("kvm_arch_vcpu_load_fp",), "fpu", "vcpu load", FPSIMD),
    Function(("kvm_arch_vcpu_put_fp",), "fpu", "vcpu load", FPSIMD),
    Function(("kvm_arch_vcpu_ctxflush_fp",), "fpu", "entry", f"{FPSIMD}, before each entry"),
    Function(("kvm_arch_vcpu_ctxsync_fp",), "fpu", "entry", f"{FPSIMD}, after each exit"),
    Function(
        ("kvm_hyp_handle_fpsimd",),
        "fpu",
        "first use",
        "arch/arm64/kvm/hyp/include/hyp/switch.h, where the load itself happens",
    ),
)
FPU_TRACEPOINT = None

EXIT = "kvm:kvm_exit"
EVENTS = (
    Event("kvm:kvm_entry", "on_entry"),
    Event(EXIT, "on_exit", ("ret", "esr_ec")),
    Event(
        "kvm:kvm_wfx_arm64",
        "on_wfx",
        ("is_wfe",),
        refines="is_wfe",
        blind={"halt": "without kvm:kvm_wfx_arm64, a yield (WFE) counts as a halt too"},
    ),
    Event(
        "kvm:kvm_sys_access",
        "on_sys_access",
        ("Op0", "Op1", "CRn", "CRm", "Op2", "is_write"),
        refines="register",
        blind={"ipi": "this kernel has no tracepoint kvm:kvm_sys_access that tells it"},
    ),
)
HALT_EVENTS = ()
NOT_VISIBLE: dict[str, str] = {}
EMULATOR = Emulator(
    "qemu-system-aarch64",
    ("-machine", "virt,gic-version=host", "-cpu", "host"),
    "ttyAMA0",
    boots_disks=False,
)

# arch/arm64/include/asm/esr.h names the exception classes. Writing one of the ICC_SGI*R registers
# (3, 0 or 1 or 2, c12, c11, 5 to 7) sends an interrupt to another vCPU.
EXIT_CLASSES = classes(
    ipi=r": kvm_sys_access register 0x30cb[567]1$",
    kernel_io=r": kvm_mmio$",
    other=r": kvm_wfx_arm64 is_wfe 0x1$|^(SERROR|HYP_GONE)",
    halt=r"^WFx",
    hypercall=r"^(HVC|SMC)",
    interrupt=r"^IRQ",
    page_fault=r"^[ID]ABT_LOW",
    feature=r"^(CP1[0-5]_|FP_ASIMD|SVE|SME|SYS64|PAC|ERET|BREAKPT|SOFTSTP|WATCHPT|BKPT|BRK)",
)


def _cpuinfo(key: str) -> str:
    for line in (read_text(ROOT / "proc/cpuinfo") or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""


def _kernel_log() -> str:
    """Return what the kernel's ring buffer still holds, or nothing when it may not be read."""
    try:
        descriptor = os.open(ROOT / "dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return ""
    records = []
    # It answers EAGAIN at its end and EPIPE where records were overwritten under the reader.
    with contextlib.suppress(BlockingIOError):
        while True:
            try:
                record = os.read(descriptor, 1 << 16)
            except BrokenPipeError:
                continue
            if not record:
                break
            records.append(record)
    os.close(descriptor)
    return b"".join(records).decode(errors="replace")


def _timer() -> str | None:
    for line in (read_text(ROOT / "proc/interrupts") or "").splitlines():
        words = line.split()
        if words[-1:] == ["arch_timer"]:
            return words[-3]
    return None


def exit_name(code: int, tables: dict[str, list[Symbols]]) -> str:
    why, exceptions = tables[EXIT]
    cause = why.names.get(code >> 32, f"{code >> 32:#x}")
    trap = code & 0xFFFFFFFF
    return exceptions.names.get(trap, f"TRAP {trap:#x}") if cause == "TRAP" else cause


def flavour() -> str | None:
    if not (ROOT / "dev/kvm").exists():
        return None
    modes = INITIALIZED.findall(_kernel_log())
    if modes:
        return "vhe" if modes[-1] == "VHE" else "nvhe"
    return TIMERS.get(_timer() or "")


def hypervisor() -> str | None:
    for path in ("sys/hypervisor/type", "proc/device-tree/hypervisor/compatible"):
        if name := read_text(ROOT / path):
            return name
    if (ROOT / "sys/firmware/qemu_fw_cfg").exists():
        return "QEMU"
    vendor = read_text(ROOT / "sys/class/dmi/id/sys_vendor") or ""
    product = read_text(ROOT / "sys/class/dmi/id/product_name") or ""
    if "virtual" in f"{vendor} {product}".lower():
        return vendor
    if vendor.startswith(("Amazon EC2", "Google")) and not product.endswith("metal"):
        return vendor
    if read_text(ROOT / "proc/device-tree/compatible") == "linux,dummy-virt":
        return "unknown"
    return None


def clock_class() -> tuple[str, str]:
    # Arm ARM, MIDR_EL1.Implementer: 0x00 is reserved for software use.
    if _cpuinfo("CPU implementer") == "0x00":
        return "emulated", "the CPU's implementer is 0x00, which stands for software"
    under = hypervisor()
    if under is None:
        return "hardware", "neither firmware nor device tree names a hypervisor"
    log = _kernel_log()
    if under == "QEMU" and FIRST_WORDS in log and KVM_SERVICES not in log:
        return "emulated", "a machine of QEMU, and the kernel's log has no word of KVM's services"
    return "nested", f"this host runs under a hypervisor ({under})"


def inert(knob: str) -> Finding | None:
    if knob.startswith("guest."):
        return NO_HALTPOLL
    cmdline = (read_text(ROOT / "proc/cmdline") or "").split()
    if "halt_poll" in knob and NO_TRAP in cmdline:
        return Finding(f"no halt comes to KVM: this kernel was booted with {NO_TRAP}", PARAMETERS)
    return None


def cautions(knob: str) -> list[Finding]:
    if "halt_poll" not in knob or not GICV4.search(_kernel_log()):
        return []
    return [
        Finding(
            "KVM came up with GICv4: a vCPU that is alone on its CPU and has interrupts delivered "
            "by hardware halts without KVM, unless kvm-arm.wfi_trap_policy=trap",
            "kvm_vcpu_should_clear_twi() in arch/arm64/kvm/arm.c",
        )
    ]


def microcode() -> str | None:
    return read_text(ROOT / "sys/class/dmi/id/bios_version") or read_text(
        ROOT / "proc/device-tree/chosen/u-boot,version"
    )
