from __future__ import annotations

from copy import deepcopy

import pytest

from lab.store.layout import Document
from lab.store.read import Run
from lab.trial.outcomes import CLASSES, outcomes
from tests.lab.conftest import row_of


@pytest.fixture
def halting(phased: Run) -> Document:
    return deepcopy(row_of(phased, "fixed-150us"))


def counts(row: Document) -> dict[str, int | None]:
    return {name: each.count for name, each in outcomes(row).items()}


def statistics(row: Document) -> Document:
    found: Document = row["guest"]["stats"]["vcpu"][0]
    return found


def test_the_six_classes_hold_every_halt(halting: Document) -> None:
    found = counts(halting)
    assert tuple(found) == CLASSES
    assert sum(count or 0 for count in found.values()) == 200
    assert found["not_trapped"] == found["vetoed"] == 0
    assert all(each.how for each in outcomes(halting).values())


def test_halts_without_an_exit_were_not_trapped(halting: Document) -> None:
    halting["phases"]["exits"][0]["count"] -= 23
    assert counts(halting)["not_trapped"] == 23


def test_without_exits_the_statistics_say_what_trapped(halting: Document) -> None:
    halting["phases"] = None
    statistics(halting)["halt_exits"] = 177
    assert counts(halting)["not_trapped"] == 23
    del statistics(halting)["halt_exits"]
    hidden = outcomes(halting)["not_trapped"]
    assert hidden.count is None
    assert "the probe of phases was not on" in hidden.how


def test_a_veto_is_a_window_without_a_poll(halting: Document) -> None:
    before = counts(halting)
    halting["haltpoll"]["outcomes"]["miss"] += 23
    halting["haltpoll"]["halts"] += 23
    assert counts(halting)["vetoed"] == 23
    assert counts(halting)["miss"] == before["miss"]


def test_a_veto_for_stolen_time_is_counted_by_kvm(halting: Document) -> None:
    statistics(halting)["halt_no_poll_steal"] = 7
    found = outcomes(halting)["vetoed"]
    assert found.count == 7
    assert "halt_no_poll_steal" in found.how


def test_halts_that_no_wake_up_was_traced_of_did_not_poll_if_kvm_says_so(
    halting: Document,
) -> None:
    """POWER9: a halt is an exit, kvm_vcpu_wakeup never fires, and nothing polls."""
    halting["haltpoll"]["halts"] = 0
    statistics(halting)["halt_attempted_poll"] = 0
    found = counts(halting)
    assert (found["no_poll"], found["hit"], found["miss"]) == (200, 0, 0)
    del statistics(halting)["halt_attempted_poll"]
    found = counts(halting)
    assert found["no_poll"] is found["hit"] is found["vetoed"] is None
