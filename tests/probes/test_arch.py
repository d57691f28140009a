"""Each architecture's questions, answered from what emulated hosts showed of themselves."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path
from typing import Any

import pytest

HOSTS = Path(__file__).with_name("hosts")
MODULES = {"emu-arm64": "aarch64", "emu-ppc64": "ppc64le", "emu-s390x": "s390x"}


class Host:
    """A copy of what a host showed, to be changed, and its architecture's answers to it."""

    def __init__(self, name: str, root: Path, patch: pytest.MonkeyPatch) -> None:
        shutil.copytree(HOSTS / name, root)
        self.root = root
        self.ask: Any = importlib.import_module(f"agent.arch.{MODULES[name]}")
        patch.setattr(self.ask, "ROOT", root)

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def replace(self, path: str, *pairs: tuple[str, str]) -> None:
        text = (self.root / path).read_text()
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        self.write(path, text)

    def remove(self, path: str) -> None:
        target = self.root / path
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink()


@pytest.fixture
def arm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host("emu-arm64", tmp_path / "root", monkeypatch)


@pytest.fixture
def power(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host("emu-ppc64", tmp_path / "root", monkeypatch)


@pytest.fixture
def z(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host("emu-s390x", tmp_path / "root", monkeypatch)


@pytest.mark.parametrize("module", [*MODULES.values(), "x86_64"])
def test_every_module_answers_every_question(module: str) -> None:
    arch = importlib.import_module("agent.arch")
    asked = arch.of(module)
    assert asked is not None
    for question in ("flavour", "hypervisor", "clock_class", "inert", "cautions", "microcode"):
        assert callable(getattr(asked, question))


def test_an_unknown_machine_has_no_module() -> None:
    assert importlib.import_module("agent.arch").of("pdp11") is None


def test_arm64_emulated(arm: Host) -> None:
    assert arm.ask.flavour() == "vhe"
    assert arm.ask.hypervisor() == "QEMU"
    kind, reason = arm.ask.clock_class()
    assert kind == "emulated"
    assert "0x00" in reason
    assert arm.ask.microcode() is None


@pytest.mark.parametrize(
    ("words", "flavour"),
    [
        ("VHE mode initialized successfully", "vhe"),
        ("Hyp mode initialized successfully", "nvhe"),
        ("Hyp nVHE mode initialized successfully", "nvhe"),
        ("Hyp mode (hVHE) initialized successfully", "nvhe"),
        ("Protected nVHE mode initialized successfully", "nvhe"),
        ("Protected hVHE mode initialized successfully", "nvhe"),
    ],
)
def test_arm64_flavour_by_the_kernels_words(arm: Host, words: str, flavour: str) -> None:
    arm.replace("dev/kmsg", ("VHE mode initialized successfully", words))
    assert arm.ask.flavour() == flavour


@pytest.mark.parametrize(("number", "flavour"), [("26", "vhe"), ("30", "nvhe"), ("27", None)])
def test_arm64_flavour_by_the_timer_when_the_log_is_gone(
    arm: Host, number: str, flavour: str | None
) -> None:
    arm.remove("dev/kmsg")
    arm.replace("proc/interrupts", ("26 Level     arch_timer", f"{number} Level     arch_timer"))
    assert arm.ask.flavour() == flavour


def test_arm64_without_kvm_has_no_flavour(arm: Host) -> None:
    arm.remove("dev/kvm")
    assert arm.ask.flavour() is None


def test_arm64_with_a_makers_cpu_under_qemu(arm: Host) -> None:
    arm.replace("proc/cpuinfo", (": 0x00", ": 0x41"))
    kind, reason = arm.ask.clock_class()
    assert kind == "emulated"
    assert "KVM" in reason
    arm.write(
        "dev/kmsg",
        (arm.root / "dev/kmsg").read_text()
        + "6,9,0,-;smccc: KVM: hypervisor services detected (0x0 0x0 0x0 0x3)\n",
    )
    assert arm.ask.clock_class()[0] == "nested"


def test_arm64_under_qemu_with_its_log_gone_is_not_called_emulated(arm: Host) -> None:
    arm.replace("proc/cpuinfo", (": 0x00", ": 0x41"))
    arm.remove("dev/kmsg")
    assert arm.ask.clock_class()[0] == "nested"


@pytest.mark.parametrize(
    ("vendor", "product", "hypervisor"),
    [
        ("Amazon EC2", "c7g.large", "Amazon EC2"),
        ("Amazon EC2", "c7g.metal", None),
        ("Microsoft Corporation", "Virtual Machine", "Microsoft Corporation"),
        ("GIGABYTE", "R152-P30-00", None),
    ],
)
def test_arm64_with_firmware_tables(
    arm: Host, vendor: str, product: str, hypervisor: str | None
) -> None:
    arm.replace("proc/cpuinfo", (": 0x00", ": 0x41"))
    arm.remove("sys/firmware/qemu_fw_cfg")
    arm.remove("proc/device-tree")
    arm.write("sys/class/dmi/id/sys_vendor", f"{vendor}\n")
    arm.write("sys/class/dmi/id/product_name", f"{product}\n")
    arm.write("sys/class/dmi/id/bios_version", "F31n\n")
    assert arm.ask.hypervisor() == hypervisor
    assert arm.ask.clock_class()[0] == ("nested" if hypervisor else "hardware")
    assert arm.ask.microcode() == "F31n"


def test_ppc64le_emulated(power: Host) -> None:
    assert power.ask.flavour() == "hv"
    assert power.ask.hypervisor() == "QEMU"
    kind, reason = power.ask.clock_class()
    assert kind == "emulated"
    assert "emulated by qemu" in reason
    assert power.ask.microcode() == "SLOF,HEAD"


def test_ppc64le_guest_of_kvm(power: Host) -> None:
    power.write("proc/device-tree/hypervisor/compatible", "linux,kvm\0")
    assert power.ask.hypervisor() == "KVM"
    assert power.ask.clock_class() == ("nested", "this host is a partition of KVM")


def test_ppc64le_partition_of_powervm(power: Host) -> None:
    power.replace("proc/cpuinfo", ("IBM pSeries (emulated by qemu)", "IBM,9105-22A"))
    assert power.ask.hypervisor() == "PowerVM"
    assert power.ask.clock_class()[0] == "nested"


def test_ppc64le_bare_metal(power: Host) -> None:
    power.replace(
        "proc/cpuinfo",
        ("IBM pSeries (emulated by qemu)", "8335-GTH"),
        (": pSeries", ": PowerNV"),
    )
    power.write("proc/device-tree/ibm,opal/firmware/version", "skiboot-v6.5\0")
    assert power.ask.hypervisor() is None
    kind, reason = power.ask.clock_class()
    assert kind == "hardware"
    assert "PowerNV" in reason
    assert power.ask.microcode() == "skiboot-v6.5"


def test_ppc64le_flavour_by_module(power: Host) -> None:
    power.write("sys/module/kvm_pr/refcnt", "0\n")
    assert power.ask.flavour() == "hv"
    power.remove("sys/module/kvm_hv")
    assert power.ask.flavour() == "pr"
    power.remove("sys/module/kvm_pr")
    assert power.ask.flavour() is None


def test_ppc64le_halt_polling_is_inert_where_there_is_none(power: Host) -> None:
    assert "POWER9" in power.ask.inert("host.halt_poll_ns").reason
    assert "POWER9" in power.ask.inert("vm.halt_poll_ns").reason
    assert power.ask.inert("host.something_else") is None
    power.replace("proc/cpuinfo", ("POWER9", "Power11"))
    assert power.ask.inert("host.halt_poll_ns_shrink") is not None
    power.replace("proc/cpuinfo", ("Power11", "POWER8E"))
    assert power.ask.inert("host.halt_poll_ns") is None
    assert "POWER8" in power.ask.inert("vm.halt_poll_ns").reason
    power.remove("sys/module/kvm_hv")
    power.write("sys/module/kvm_pr/refcnt", "0\n")
    assert power.ask.inert("vm.halt_poll_ns") is None


def test_arm64_halt_polling_is_inert_where_no_halt_is_trapped(arm: Host) -> None:
    assert arm.ask.inert("vm.halt_poll_ns") is None
    arm.write("proc/cmdline", "quiet kvm-arm.wfi_trap_policy=notrap panic=-1\n")
    assert "wfi_trap_policy" in arm.ask.inert("vm.halt_poll_ns").reason
    assert arm.ask.inert("host.something_else") is None


def test_arm64_with_gicv4_may_halt_without_kvm(arm: Host) -> None:
    assert arm.ask.cautions("vm.halt_poll_ns") == []
    log = (arm.root / "dev/kmsg").read_text()
    arm.write("dev/kmsg", log + "6,9,0,-;kvm [1]: GICv4.1 support disabled\n")
    assert arm.ask.cautions("vm.halt_poll_ns") == []
    arm.write("dev/kmsg", log + "6,9,0,-;kvm [1]: GICv4.1 support enabled\n")
    (caution,) = arm.ask.cautions("vm.halt_poll_ns")
    assert "alone on its CPU" in caution.reason
    assert arm.ask.cautions("host.something_else") == []


@pytest.mark.parametrize(("limit", "vetoed"), [("0", True), ("11", True), ("12", False)])
def test_s390x_does_not_poll_when_too_much_is_stolen(z: Host, limit: str, *, vetoed: bool) -> None:
    z.write("proc/stat", "cpu  50 0 10 800 10 10 10 110 0 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n")
    assert z.ask.cautions("vm.halt_poll_ns") == []
    z.write("sys/module/kvm/parameters/halt_poll_max_steal", f"{limit}\n")
    cautions = z.ask.cautions("vm.halt_poll_ns")
    assert [("11 %" in each.reason) for each in cautions] == ([True] if vetoed else [])


def test_s390x_emulated(z: Host) -> None:
    assert z.ask.flavour() == "sie"
    assert z.ask.hypervisor() == "Hercules"
    kind, reason = z.ask.clock_class()
    assert kind == "emulated"
    assert "HRC" in reason
    assert z.ask.microcode() is None
    assert z.ask.inert("vm.halt_poll_ns") is None


# QEMU calls its control program KVM/Linux under TCG too: target/s390x/tcg/misc_helper.c.
VM00 = "VM00 Name:            guest   \nVM00 Control Program: KVM/Linux       \n"


def test_s390x_under_qemus_tcg(z: Host) -> None:
    z.replace("proc/sysinfo", ("HRC ", "QEMU"))
    z.write("proc/sysinfo", (z.root / "proc/sysinfo").read_text() + VM00)
    assert z.ask.hypervisor() == "QEMU"
    assert z.ask.clock_class()[0] == "emulated"


def test_s390x_below_kvm_and_in_an_lpar(z: Host) -> None:
    z.replace("proc/sysinfo", ("HRC ", "IBM "), ("HERCULES", "LP01    "))
    assert z.ask.hypervisor() == "LPAR LP01"
    assert z.ask.clock_class()[0] == "hardware"
    z.write("proc/sysinfo", (z.root / "proc/sysinfo").read_text() + VM00)
    assert z.ask.hypervisor() == "KVM/Linux"
    kind, reason = z.ask.clock_class()
    assert kind == "nested"
    assert "KVM/Linux" in reason


def test_s390x_without_sie_has_no_flavour(z: Host) -> None:
    z.replace("proc/cpuinfo", (" sie", ""))
    assert z.ask.flavour() is None


@pytest.mark.parametrize("name", sorted(MODULES))
def test_nothing_readable_is_no_guess(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host(name, tmp_path / "root", monkeypatch)
    shutil.rmtree(host.root)
    assert host.ask.flavour() is None
    assert host.ask.hypervisor() is None
    assert host.ask.microcode() is None
    assert host.ask.clock_class()[0] in {"hardware", "nested", "emulated"}
