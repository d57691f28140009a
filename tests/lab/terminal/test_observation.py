"""The tables of an interval."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from lab.labels import NONE
from lab.terminal import observation

OUTCOMES = dict.fromkeys(observation.OUTCOMES, 0)


def vcpu(**changes: Any) -> dict[str, Any]:
    phases: dict[str, Any] = dict.fromkeys(observation.PHASES, 0)
    return {
        "vcpu": 0,
        "thread": "CPU 0/KVM",
        "tid": 11,
        "account": {"wall_ns": 1000, "phases": {**phases, "guest": 750}, "unattributed_ns": 250},
        "exits": [],
        "histograms": [],
        "halts": {
            "halts": 4,
            "outcomes": {**OUTCOMES, "hit": 3, "unknown": 1},
            "sums_ns": {"miss_poll": 60, "late_hit": 40},
        },
        **changes,
    }


def document(*vms: dict[str, Any]) -> dict[str, Any]:
    return {
        "host": "h",
        "at": "2026-11-23T05:00:00+00:00",
        "duration_ns": 2_000_000_000,
        "vms": list(vms),
        "dropped": 0,
    }


def vm(*vcpus: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "pid": 10,
        "name": "web1",
        "state": "running",
        "vcpus": list(vcpus),
        "silent": 0,
        "not_visible": {},
        "statistics": None,
        **changes,
    }


def shown(document: dict[str, Any]) -> list[str]:
    console = Console(width=100, no_color=True)
    with console.capture() as capture:
        console.print(observation.view(document))
    return [" ".join(line.split()) for line in capture.get().splitlines()]


def test_shares_are_of_the_time_accounted_for() -> None:
    lines = shown(document(vm(vcpu())))
    assert "0 75.0 % 0.0 % 0.0 % 0.0 % 0.0 % 0.0 % 0.0 % 25.0 %" in lines
    # Four halts in two seconds; 100 of 1000 ns were polled in vain.
    assert "0 2 75.0 % 0.0 % 0.0 % 0.0 % 0.0 % 25.0 % 10.0 %" in lines


def test_a_hidden_phase_is_a_dash_and_says_why() -> None:
    hidden = vcpu()
    hidden["account"]["phases"]["guest"] = None
    lines = shown(document(vm(hidden, not_visible={"guest": "it is silent"})))
    assert f"0 {NONE} 0.0 % 0.0 % 0.0 % 0.0 % 0.0 % 0.0 % 25.0 %" in lines
    assert "not visible: guest: it is silent" in lines


def test_exits_of_all_vcpus_are_one_distribution_per_class() -> None:
    def leaving(count: int, bucket: int) -> dict[str, Any]:
        return vcpu(
            exits=[{"class": "halt", "native": "HLT", "count": count, "handling_ns": count * 10}],
            histograms=[{"phase": "handling", "class": "halt", "buckets": [[bucket, count]]}],
        )

    (row,) = observation.exits(vm(leaving(98, 10), leaving(2, 20)))
    assert row == {"class": "halt", "count": 100, "ns": 1000, "p50": 10.0, "p99": 20.0}


def test_polling_that_moved_back_is_not_a_negative_share() -> None:
    moved = vcpu()
    moved["account"]["phases"]["handling"] = -5
    assert any(line.startswith("0 75.0 % 0.0 %") for line in shown(document(vm(moved))))


def test_a_host_without_vms_and_an_ended_vm_are_said() -> None:
    assert shown(document())[0].endswith("no VM runs")
    assert shown(document(vm(state="ended")))[1] == "web1 (pid 10) ended"
