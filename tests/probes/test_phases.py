"""Exits by name and class on four architectures, and a vCPU's account, without a kernel."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from agent import phases, printfmt
from agent.phases import PHASES, TO_VMM, Names, Sample, account, exit_rows, hide_unseen
from agent.tracepoint import flags, read_format

from lab.trial.phases import CLASSES

FORMATS = Path(__file__).parent / "formats"
MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "ppc64le": "ppc64el", "s390x": "s390x"}
VMX, SVM = 1 << 32, 2 << 32
IRQ, TRAP = 0, 2 << 32
CEDED = 1 << 32


def ask(machine: str) -> tuple[Any, Names]:
    architecture = importlib.import_module(f"agent.arch.{machine}")
    return architecture, Names(architecture, FORMATS / MACHINES[machine])


def how(names: Names, event: str) -> int:
    """Return the number that the program has for a refinement."""
    (flag,) = (f for f in names.flags() if f.startswith(f"-D{event.upper()}_HOW="))
    return int(flag.partition("=")[2])


@pytest.mark.parametrize(
    ("machine", "code", "event", "detail", "native", "exit_class"),
    [
        ("x86_64", SVM | 0x72, None, 0, "cpuid", "feature"),
        ("x86_64", SVM | 0x81, None, 0, "hypercall", "hypercall"),
        ("x86_64", SVM | 0x78, None, 0, "hlt", "halt"),
        ("x86_64", SVM | 0x400, None, 0, "npf", "page_fault"),
        ("x86_64", SVM | 0x400, "kvm_mmio", 1, "npf: kvm_mmio", "kernel_io"),
        ("x86_64", SVM | 0x7C, "kvm_apic_ipi", 0, "msr: kvm_apic_ipi", "ipi"),
        ("x86_64", SVM | 0xFFFFFFFF, None, 0, "invalid_guest_state", "other"),
        ("x86_64", VMX | 10, None, 0, "CPUID", "feature"),
        ("x86_64", VMX | 0x80000021, None, 0, "INVALID_STATE", "other"),
        ("x86_64", VMX | 1, None, 0, "EXTERNAL_INTERRUPT", "interrupt"),
        ("x86_64", VMX | 999, None, 0, "0x3e7", "other"),
        ("aarch64", IRQ, None, 0, "IRQ", "interrupt"),
        ("aarch64", TRAP | 0x16, None, 0, "HVC64", "hypercall"),
        ("aarch64", TRAP | 0x24, None, 0, "DABT_LOW", "page_fault"),
        ("aarch64", TRAP | 0x24, "kvm_mmio", 2, "DABT_LOW: kvm_mmio", "kernel_io"),
        ("aarch64", TRAP | 1, "kvm_wfx_arm64", 0, "WFx: kvm_wfx_arm64 is_wfe 0x0", "halt"),
        ("aarch64", TRAP | 1, "kvm_wfx_arm64", 1, "WFx: kvm_wfx_arm64 is_wfe 0x1", "other"),
        (
            "aarch64",
            TRAP | 0x18,
            "kvm_sys_access",
            0x30CB51,
            "SYS64: kvm_sys_access register 0x30cb51",
            "ipi",
        ),
        (
            "aarch64",
            TRAP | 0x18,
            "kvm_sys_access",
            0x30C110,
            "SYS64: kvm_sys_access register 0x30c110",
            "feature",
        ),
        ("aarch64", 0xBADCA11 << 32, None, 0, "HYP_GONE", "other"),
        ("ppc64le", CEDED | 0xC00, None, 0, "ceded", "halt"),
        ("ppc64le", 0xC00, None, 0, "SYSCALL", "hypercall"),
        ("ppc64le", 0xC00, "kvm_hcall_enter", 0x6C, "SYSCALL: H_IPI", "ipi"),
        ("ppc64le", 0xC00, "kvm_hcall_enter", 0x58, "SYSCALL: H_PUT_TERM_CHAR", "hypercall"),
        ("ppc64le", 0xE00, "kvm_mmio", 1, "H_DATA_STORAGE: kvm_mmio", "kernel_io"),
        ("ppc64le", 0x980, None, 0, "HV_DECREMENTER", "interrupt"),
        ("s390x", 0x1C, None, 0, "Wait state", "halt"),
        ("s390x", 0, None, 0, "Host interruption", "interrupt"),
        (
            "s390x",
            4,
            "kvm_s390_handle_diag",
            0x9C,
            "Instruction: DIAG (0x9c) time slice end directed",
            "hypercall",
        ),
        (
            "s390x",
            4,
            "kvm_s390_handle_diag",
            0xABC,
            "Instruction: kvm_s390_handle_diag code 0xabc",
            "hypercall",
        ),
        (
            "s390x",
            4,
            "kvm_s390_handle_sigp",
            2,
            "Instruction: SIGP external call",
            "ipi",
        ),
        (
            "s390x",
            4,
            "kvm_s390_intercept_instruction",
            0xB27D,
            "Instruction: 0xB2 STSI",
            "feature",
        ),
        (
            "s390x",
            8,
            "kvm_s390_intercept_prog",
            0x11,
            "Program interruption: Prog Page translation",
            "page_fault",
        ),
    ],
)
def test_an_exit_has_the_kernels_name_and_a_common_class(
    machine: str, code: int, event: str | None, detail: int, native: str, exit_class: str
) -> None:
    _, names = ask(machine)
    number = how(names, event) if event else 0
    assert names.native(code, number, detail) == native
    assert names.exit_class(native, number) == exit_class
    assert names.exit_class(native, number | TO_VMM) == "userspace_io"


@pytest.mark.parametrize("machine", MACHINES)
def test_every_pattern_names_a_class_and_finds_an_exit(machine: str) -> None:
    architecture, names = ask(machine)
    refinements = [
        f": {name}"
        for event in phases.events(architecture)
        if event.refines is not None
        for name in (
            *(
                name
                for table in printfmt.symbols(
                    read_format(event.name, FORMATS / MACHINES[machine]) or ""
                )
                for name in table.names.values()
            ),
            event.name.partition(":")[2],
            "kvm_wfx_arm64 is_wfe 0x1",
            "kvm_sys_access register 0x30cb51",
        )
    ]
    exits = [
        name
        for event in architecture.EVENTS
        for table in printfmt.symbols(read_format(event.name, FORMATS / MACHINES[machine]) or "")
        for name in table.names.values()
    ]
    known = [*exits, *(exit_ + more for exit_ in exits for more in refinements), "ceded"]
    for pattern, name in architecture.EXIT_CLASSES:
        assert name in CLASSES
        assert any(pattern.search(native) for native in known), pattern.pattern
    assert {names.exit_class(native, 0) for native in known} <= set(CLASSES)


@pytest.mark.parametrize("machine", MACHINES)
def test_the_probe_finds_its_fields_in_every_kernel(machine: str) -> None:
    architecture, _ = ask(machine)
    for event in (*phases.events(architecture), *architecture.HALT_EVENTS):
        if event.name.startswith("kvm_pr:"):
            continue  # no host of the fleet runs KVM-PR
        if read_format(event.name, FORMATS / MACHINES[machine]) is None:
            assert event.name in {"syscalls:sys_exit_ioctl", "sched:sched_wakeup"}
            continue
        assert len(flags(event, FORMATS / MACHINES[machine])) == 2 * len(event.fields)


def test_userspace_exits_are_named_and_errors_too() -> None:
    _, names = ask("x86_64")
    assert names.userspace(2) == "KVM_EXIT_IO"
    assert names.userspace(-4) == "EINTR"
    assert names.userspace(4711) == "KVM_EXIT 4711"


def thread(**changes: Any) -> SimpleNamespace:
    """Return a thread's state as the program keeps it, 1000 ns old, between two KVM_RUNs."""
    state = {
        "tid": 7,
        "began": 1000,
        "ended": 2000,
        "since": 2000,
        "died": 0,
        "phase": PHASES.index("userspace"),
        "now": PHASES.index("userspace"),
        "sums": [100, 200, 50, 50, 400, 150, 50, 0],
        "settled": [100, 200, 50],
        "runs": 2,
        "entries": 5,
        "exits": 5,
        "migrations": 0,
        **changes,
    }
    return SimpleNamespace(**state)


def test_an_account_adds_up() -> None:
    row = account(thread(), 9999)
    assert row["wall_ns"] == sum(row["phases"].values()) == 1000
    assert row["unattributed_ns"] == 0
    assert row["ended_by"] == "return"


def test_what_follows_the_last_return_is_not_the_vcpus() -> None:
    later = account(thread(since=5000, sums=[1100, 1200, 1050, 50, 400, 150, 50, 0]), 9999)
    assert later == account(thread(), 9999)


def test_a_running_vcpu_is_charged_until_now() -> None:
    guest = PHASES.index("guest")
    row = account(thread(phase=guest, now=guest), 2300)
    assert (row["ended"], row["ended_by"]) == (2300, "running")
    assert row["phases"]["guest"] == 700
    assert row["unattributed_ns"] == 0
    asleep = account(thread(phase=guest, now=PHASES.index("blocked")), 2300)
    assert asleep["phases"]["blocked"] == 500


def test_a_thread_that_dies_inside_kvm_run_ends_there() -> None:
    row = account(thread(phase=PHASES.index("guest"), died=1, ended=2000), 9999)
    assert (row["ended"], row["ended_by"], row["unattributed_ns"]) == (2000, "death", 0)


def test_a_thread_that_never_returned_has_no_time() -> None:
    row = account(thread(ended=0, settled=[0, 0, 0], sums=[0] * 8, since=1000), 9999)
    assert (row["wall_ns"], row["unattributed_ns"]) == (0, 0)


def test_without_entries_the_time_in_kvm_stays_unattributed() -> None:
    sums = [100, 200, 50, 600, 0, 0, 50, 0]
    rows = [account(thread(entries=0, exits=0, sums=sums), 9999)]
    reasons = hide_unseen(rows, "kvm:kvm_entry")
    assert set(reasons) == {"run_overhead", "guest", "handling"}
    assert "kvm:kvm_entry stayed silent during 2 KVM_RUNs" in reasons["guest"]
    assert rows[0]["phases"]["guest"] is rows[0]["phases"]["run_overhead"] is None
    assert rows[0]["phases"]["polled"] == 50
    assert rows[0]["unattributed_ns"] == 600
    assert hide_unseen([account(thread(), 9999)], "kvm:kvm_entry") == {}


def test_exits_of_one_name_are_one_row() -> None:
    _, names = ask("x86_64")
    cpuid = SVM | 0x72
    rows, classes = exit_rows(
        {
            (cpuid, 0, 0): Sample({40: (3, 400)}),
            (cpuid, how(names, "kvm_mmio"), 1): Sample({40: (1, 100)}),
            (cpuid, how(names, "kvm_mmio"), 2): Sample({40: (1, 100), 41: (1, 110)}),
        },
        names,
    )
    assert [(row["class"], row["native"], row["count"], row["handling_ns"]) for row in rows] == [
        ("feature", "cpuid", 3, 400),
        ("kernel_io", "cpuid: kvm_mmio", 3, 310),
    ]
    assert rows[0]["code"] == 0x72
    assert classes["kernel_io"].buckets == {40: (2, 200), 41: (1, 110)}
