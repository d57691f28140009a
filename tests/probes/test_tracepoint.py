from __future__ import annotations

from pathlib import Path

import pytest
from agent import haltpoll
from agent.errors import UnsupportedError
from agent.tracepoint import Event, flags, no_flags, parse_format, read_fields

FORMATS = Path(__file__).parent / "formats"
ARCHITECTURES = ["amd64", "arm64", "ppc64el", "s390x"]
WAKEUP, WINDOW = haltpoll.EVENTS


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_probe_finds_its_fields_in_the_kernels_of_four_architectures(architecture: str) -> None:
    tracefs = FORMATS / architecture
    wakeup = read_fields(WAKEUP, tracefs)
    window = read_fields(WINDOW, tracefs)
    assert wakeup["ns"].size == 8
    assert wakeup["waited"].size == wakeup["valid"].size == 1
    assert window["new"].size == window["old"].size == 4


def test_flags_tell_the_program_offset_and_type() -> None:
    assert "-DKVM_VCPU_WAKEUP_NS_OFFSET=8" in flags(WAKEUP, FORMATS / "amd64")
    assert "-DKVM_VCPU_WAKEUP_NS_TYPE=u64" in flags(WAKEUP, FORMATS / "amd64")


def test_arrays_and_signs_are_read() -> None:
    fields = parse_format(
        "\tfield:char comm[16];\toffset:8;\tsize:16;\tsigned:0;\n"
        "\tfield:int prio;\toffset:24;\tsize:4;\tsigned:1;\n"
    )
    assert fields["comm"].size == 16
    assert fields["prio"].c_type == "s32"


def test_a_kernel_without_the_tracepoint_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="no tracepoint kvm:kvm_vcpu_wakeup.*load the kvm"):
        read_fields(WAKEUP, tmp_path)


def test_a_field_that_is_not_there_is_named() -> None:
    with pytest.raises(UnsupportedError, match="no integer field `reason`.*it has .*ns"):
        read_fields(Event(WAKEUP.name, "on_wakeup", ("reason",)), FORMATS / "amd64")


def test_a_function_that_is_never_attached_compiles_all_the_same() -> None:
    assert no_flags(Event("kvm:kvm_mmio", "on_mmio", ("type",))) == [
        "-DKVM_MMIO_TYPE_OFFSET=0",
        "-DKVM_MMIO_TYPE_TYPE=u64",
    ]
