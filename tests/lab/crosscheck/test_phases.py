from __future__ import annotations

from collections.abc import Callable

import pytest

from lab import crosscheck
from lab.crosscheck import phases
from lab.store.layout import Document


def said(row: Document) -> list[str]:
    found = crosscheck.notable(crosscheck.differences(row))
    return [crosscheck.sentence(meaning, group) for meaning, group in found.items()]


def test_a_trial_that_obeys_conservation_has_no_warning(phased_row: Document) -> None:
    found = {each.quantity.name for each in crosscheck.differences(phased_row)}
    assert {"time of the vCPU", "time in the guest", "programmed exits"} <= found
    assert said(phased_row) == []


def vcpu(row: Document) -> Document:
    found: Document = row["phases"]["vcpus"][0]
    return found


BREACHES: dict[str, tuple[Callable[[Document], object], str]] = {
    "lost time": (
        lambda row: vcpu(row)["phases"].update(guest=0),
        f"{phases.LEAKED}: time of the vCPU differ in 1 trial, most the time of the vCPU of trial",
    ),
    "time from nowhere": (
        lambda row: vcpu(row).update(unattributed_ns=50_000_000),
        phases.SURPLUS,
    ),
    "scheduler": (
        lambda row: row["guest"]["cpu"].update(guest_ns=900_000_000),
        phases.SCHEDULER,
    ),
    "a hypercall too few": (
        lambda row: row["phases"]["exits"][0].update(count=2299),
        f"{phases.MISSED}: programmed exits differ in 1 trial, most the programmed exits of trial",
    ),
    "a hypercall too many": (
        lambda row: row["phases"]["exits"][0].update(count=2301),
        phases.EXTRA,
    ),
    "statistics know more": (
        lambda row: row["guest"]["stats"]["vcpu"][0].update(exits=5_000),
        f"{phases.MISSED}: exits differ in 1 trial, most the exits of trial",
    ),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_each_breach_is_said(phased_row: Document, breach: str) -> None:
    change, text = BREACHES[breach]
    change(phased_row)
    (warning,) = said(phased_row)
    assert warning.startswith(text)


@pytest.mark.parametrize(("bound", "sign"), [("run_ns", 1), ("run_least_ns", -1)])
def test_conservation_allows_a_microsecond(phased_row: Document, bound: str, sign: int) -> None:
    total = sum(vcpu(phased_row)["phases"].values())
    missed = phased_row["guest"]["vcpus"][0][bound] - total + sign * 1_000
    vcpu(phased_row)["unattributed_ns"] = missed
    assert said(phased_row) == []
    vcpu(phased_row)["unattributed_ns"] = missed + sign
    assert len(said(phased_row)) == 1


def test_more_exits_than_between_the_marks_are_in_order(phased_row: Document) -> None:
    phased_row["guest"]["stats"]["vcpu"][0]["exits"] = 2_300
    assert said(phased_row) == []


def test_exits_to_the_vmm_are_counted_where_no_exit_is_traced(phased_row: Document) -> None:
    phased_row["workload"] |= {"guest": "userspace"}
    phased_row["phases"]["not_visible"] = {"handling": "because"}
    answered = phased_row["phases"]["userspace_exits"][0]
    answered["count"] = 2_304
    assert said(phased_row) == []
    answered["count"] = 2_303
    (warning,) = said(phased_row)
    assert warning.startswith(f"{phases.MISSED}: exits to the VMM differ in 1 trial")


def test_what_is_not_visible_is_not_compared(phased_row: Document) -> None:
    phased_row["phases"]["not_visible"] = {"guest": "because", "handling": "because"}
    found = {each.quantity.name for each in crosscheck.differences(phased_row)}
    assert "programmed exits" not in found
    assert "time in the guest" not in found
    assert "time of the vCPU" in found
