from __future__ import annotations

from copy import deepcopy

import pytest

from lab import crosscheck
from lab.crosscheck import halts
from lab.store.layout import Document


def test_the_synthetic_kernel_agrees_with_itself(row: Document) -> None:
    found = crosscheck.differences(row)
    assert [each.quantity.name for each in found] == [each.name for each in halts.QUANTITIES]
    assert all(each.absolute == 0 for each in found)
    assert crosscheck.notable(found) == {}


def altered(row: Document, name: str, factor: float) -> list[str]:
    other = deepcopy(row)
    other["guest"]["stats"]["vcpu"][0][name] = int(
        other["guest"]["stats"]["vcpu"][0][name] * factor
    )
    found = crosscheck.notable(crosscheck.differences(other))
    return [crosscheck.sentence(meaning, group) for meaning, group in found.items()]


def test_polling_that_ended_early_is_named(row: Document) -> None:
    warnings = altered(row, "halt_poll_fail_ns", 0.5)
    assert warnings[0].startswith(
        f"{halts.CUT_SHORT}: time polled in vain differ in 1 trial, most the "
    )
    assert "by KVM's statistics" in warnings[0]


def test_missed_halts_are_named(row: Document) -> None:
    warnings = altered(row, "halt_attempted_poll", 1.1)
    (warning,) = warnings
    assert warning.startswith("the probe missed halts: polls begun differ in 1 trial")


def test_small_differences_are_no_warning(row: Document) -> None:
    assert altered(row, "halt_wait_ns", 1.001) == []


def test_statistics_the_kernel_does_not_have_give_no_row(row: Document) -> None:
    other = deepcopy(row)
    del other["guest"]["stats"]["vcpu"][0]["halt_wait_ns"]
    names = {each.quantity.name for each in crosscheck.differences(other)}
    assert "time asleep" not in names
    assert "time halted" not in names
    assert "polls begun" in names


def test_differences_are_signed_and_relative_to_the_statistic(row: Document) -> None:
    other = deepcopy(row)
    other["guest"]["stats"]["vcpu"][0]["halt_exits"] = 400
    counted = crosscheck.differences(other)[0]
    assert (counted.absolute, counted.relative) == (-200, -0.5)
    assert not counted.notable
    other["guest"]["stats"]["vcpu"][0]["halt_exits"] = 0
    surplus = crosscheck.differences(other)[0]
    assert surplus.relative is None
    assert surplus.notable


@pytest.mark.parametrize("lacking", ["haltpoll", "guest"])
def test_a_trial_without_one_side_has_no_rows(row: Document, lacking: str) -> None:
    assert crosscheck.differences(row | {lacking: None}) == []
