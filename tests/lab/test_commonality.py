"""What architectures have in common, counted from made-up surveys."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from lab.commonality import Answer, commonality
from lab.errors import UsageError
from lab.labels import NONE
from lab.paths import RESULTS
from lab.report.commonality import render
from lab.terminal.capabilities import blocked, capabilities, notes

RECORDED = RESULTS / "recorded" / "survey-emulated.json.gz"


def answer(architecture: str, **survey: Any) -> dict[str, Any]:
    knob: dict[str, Any] = {
        "knob": "vm.halt_poll_ns",
        "scope": "vm",
        "status": "ok",
        "reason": None,
        "source": None,
        "value": None,
        "writable": True,
        "cautions": [],
    }
    return {
        "checks": [{"check": "root", "status": "ok", "detail": "uid 0", "remedy": None}],
        "facts": {
            "architecture": architecture,
            "kernel": "6.12",
            "clock_class": "emulated",
            "clock_class_reason": "seen so",
            "hypervisor": "QEMU",
            "kvm": {"flavour": "hv", "parameters": {"kvm.halt_poll_ns": "10000"}},
            "knobs": [knob],
        },
        "survey": {
            "btf": ["vmlinux"],
            "attach": {"tracepoint": None, "fentry": "bcc knows no trampolines"},
            "tracepoints": {"kvm:kvm_userspace_exit": ["reason"]},
            "statistics": ["exits"],
            "interfaces": ["kvm_vcpu_halt"],
            "functions": [{"function": "kvm_vcpu_halt", "not_visible": None}],
            "workloads": {},
            **survey,
        },
    }


@pytest.fixture
def answers() -> dict[str, Answer]:
    return {
        "a": answer("x86_64", tracepoints={"kvm:kvm_fpu": [], "kvm:kvm_userspace_exit": []}),
        "a2": answer("x86_64", statistics=["exits", "fpu_reload"]),
        "b": answer("s390x", statistics=None),
        "c": answer("ppc64le", tracepoints={"kvm:kvm_userspace_exit": [], "kvm:kvm_age": []}),
        "d": answer("aarch64", tracepoints={"kvm:kvm_userspace_exit": [], "kvm:kvm_age": []}),
    }


def test_names_are_counted_by_how_many_architectures_have_them(answers: dict[str, Answer]) -> None:
    matrix = commonality(answers)
    counts = {count.kind: count.record() for count in matrix.counts}
    assert counts["tracepoint"] | {"kind": ""} == {
        "kind": "",
        "total": 3,
        "all": 1,
        "some": 1,
        "one": 1,
        "common_share": pytest.approx(1 / 3),
    }
    assert (counts["knob"]["all"], counts["function"]["all"]) == (2, 1)
    assert counts["all"]["total"] == sum(
        each["total"] for kind, each in counts.items() if kind != "all"
    )


def test_an_architecture_that_cannot_tell_does_not_make_a_name_less_common(
    answers: dict[str, Answer],
) -> None:
    matrix = commonality(answers)
    assert matrix.untold == {"statistic": ["b"]}
    spread = {thing.name: thing.spread for thing in matrix.things if thing.kind == "statistic"}
    assert spread == {"exits": "all", "fpu_reload": "one"}


def test_the_widest_set_stands_first_and_sets_hold_every_name(answers: dict[str, Answer]) -> None:
    matrix = commonality(answers)
    sizes = [len(who) for who, _ in matrix.sets]
    assert sizes == sorted(sizes, reverse=True)
    assert sum(sum(how_many.values()) for _, how_many in matrix.sets) == len(matrix.things)


def test_the_recorded_fleet() -> None:
    """Four emulated hosts with Debian's Linux 6.12."""
    matrix = commonality(json.loads(gzip.decompress(RECORDED.read_bytes())))
    counts = {count.kind: (count.everywhere, count.total) for count in matrix.counts}
    assert counts == {
        "tracepoint": (13, 188),
        "statistic": (13, 201),
        "knob": (5, 54),
        "function": (63, 172),
        "all": (94, 615),
    }
    spread = {thing.name: thing for thing in matrix.things}
    assert spread["kvm:kvm_userspace_exit"].spread == "all"
    assert spread["kvm:kvm_entry"].architectures == ("aarch64", "x86_64")
    # include/trace/events/kvm.h defines it for all; only x86 has a call of it.
    assert spread["kvm:kvm_fpu"].spread == "all"


def test_one_architecture_is_refused(answers: dict[str, Answer]) -> None:
    with pytest.raises(UsageError, match="two architectures or more, and has x86_64"):
        commonality({"a": answers["a"], "a2": answers["a2"]})


def test_the_page_has_every_name(answers: dict[str, Answer]) -> None:
    page = render(commonality(answers))
    for name in ("kvm:kvm_age", "fpu_reload", "vm.halt_poll_ns"):
        assert name in page
    assert "b could not tell about statistics" in page


def test_hosts_stand_side_by_side_with_dashes_for_what_they_lack(
    answers: dict[str, Answer],
) -> None:
    lost = {"check": "reached", "status": "missing", "detail": "gone", "remedy": "look"}
    both = {"a": answers["a"], "lost": {"checks": [lost], "facts": None, "survey": None}}
    rows = {row.name: row.cells for row in capabilities(both)}
    assert rows["can run"] == ("yes", "no")
    assert rows["host level"] == ("emulated (QEMU)", NONE)
    assert rows["fentry"] == ("no", NONE)
    assert blocked(both["lost"])
    assert not blocked(both["a"])


def test_a_sentence_is_said_once_for_all_hosts_it_holds_for(answers: dict[str, Answer]) -> None:
    found = [note for note in notes(answers) if note.about == "clock"]
    assert [note.hosts for note in found] == [tuple(answers)]
    knob = answers["a"]["facts"]["knobs"][0]
    knob["cautions"] = [{"reason": "steal veto", "source": "kvm_arch_no_poll()"}]
    assert [n.text for n in notes(answers) if n.about == "vm.halt_poll_ns"] == [
        "steal veto (kvm_arch_no_poll())"
    ]
