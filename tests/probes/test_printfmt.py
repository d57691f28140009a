"""The kernel's own names of its codes, as four kernels print them."""

from __future__ import annotations

from pathlib import Path

import pytest
from agent.printfmt import constant, mask, symbols
from agent.tracepoint import read_format

FORMATS = Path(__file__).parent / "formats"


def names(architecture: str, event: str, table: int = 0) -> dict[int, str]:
    text = read_format(event, FORMATS / architecture)
    assert text is not None
    return symbols(text)[table].names


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0x1c", 28),
        ("-1", -1),
        ("0x040 + 14", 78),
        ("(((0x16UL)))", 22),
        ("(0xAA << 8 | 0x03)", 0xAA03),
        ("((1<<1)|(1<<0))", 3),
        ("((0x40 + 1) << 1) - 1", 129),
    ],
)
def test_constants_of_c(text: str, value: int) -> None:
    assert constant(text) == value


@pytest.mark.parametrize("text", ["REC->reason", "", "f(1)", "1 ? 2 : 3", "'a'", "1.5"])
def test_what_is_no_constant_is_not_guessed(text: str) -> None:
    with pytest.raises(ValueError, match="no constant"):
        constant(text)


def test_x86_has_a_table_for_each_isa() -> None:
    assert names("amd64", "kvm:kvm_exit", 0)[18] == "VMCALL"
    svm = names("amd64", "kvm:kvm_exit", 1)
    assert svm[0x072] == "cpuid"
    assert svm[0x40 + 14] == "PF excp"
    assert svm[-1] == "invalid_guest_state"


def test_arm64_has_one_for_the_cause_and_one_for_the_trap() -> None:
    assert names("arm64", "kvm:kvm_exit", 0)[2] == "TRAP"
    assert names("arm64", "kvm:kvm_exit", 1)[0x16] == "HVC64"


def test_s390x() -> None:
    assert names("s390x", "kvm:kvm_s390_sie_exit")[0x1C] == "Wait state"
    assert names("s390x", "kvm:kvm_s390_handle_diag")[0x9C].startswith("DIAG (0x9c)")
    # Pasted together by the preprocessor: "0xB2" " " "STSI".
    assert names("s390x", "kvm:kvm_s390_intercept_instruction")[0xB27D] == "0xB2 STSI"


def test_ppc64le() -> None:
    assert names("ppc64el", "kvm_hv:kvm_guest_exit")[0xC00] == "SYSCALL"
    assert names("ppc64el", "kvm_hv:kvm_hcall_enter")[0x58] == "H_PUT_TERM_CHAR"


@pytest.mark.parametrize("architecture", ["amd64", "arm64", "ppc64el", "s390x"])
def test_common_events_say_the_same_everywhere(architecture: str) -> None:
    assert names(architecture, "kvm:kvm_userspace_exit")[2] == "KVM_EXIT_IO"
    text = read_format("sched:sched_switch", FORMATS / architecture)
    assert text is not None
    # Every state but running, and not the bit that says a running thread was preempted.
    assert mask(text, "prev_state") == 0xFF


def test_no_mask_is_said() -> None:
    with pytest.raises(ValueError, match="no mask of prev_state"):
        mask('print fmt: "%d", REC->prev_state', "prev_state")
