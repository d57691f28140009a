from __future__ import annotations

from lab.store.layout import Document
from lab.trial import histogram, phases
from tests import synthetic_phases


def test_phases_sum_to_wall_time(phased_row: Document) -> None:
    names = (*phases.PHASES, phases.UNATTRIBUTED)
    assert sum(phases.phase_ns(phased_row, name) or 0 for name in names) == (
        phases.wall_ns(phased_row)
    )


def test_two_vcpus_are_added_up(phased_row: Document) -> None:
    alone = phases.phase_ns(phased_row, "guest"), phases.exits(phased_row, "hypercall")
    probe = phased_row["phases"]
    probe["vcpus"].append(probe["vcpus"][0] | {"vcpu": 1})
    probe["exits"] += [each | {"vcpu": 1} for each in probe["exits"]]
    both = phases.phase_ns(phased_row, "guest"), phases.exits(phased_row, "hypercall")
    assert both == tuple(2 * (value or 0) for value in alone)


def test_histograms_of_vcpus_are_merged(phased_row: Document) -> None:
    probe = phased_row["phases"]
    alone = phases.handling(phased_row, "hypercall")
    probe["histograms"] += [each | {"vcpu": 1} for each in probe["histograms"]]
    assert phases.handling(phased_row, "hypercall") == histogram.merge(alone, alone)


def test_what_is_not_visible_is_none_and_not_zero(phased_row: Document) -> None:
    hidden = phased_row | {"phases": synthetic_phases.unseen(phased_row["phases"])}
    assert phases.phase_ns(hidden, "guest") is None
    assert phases.exits(hidden) is None
    assert phases.exits(hidden, "hypercall") is None
    assert phases.phase_ns(hidden, "blocked") == 0
    assert (phases.phase_ns(hidden, phases.UNATTRIBUTED) or 0) > 0


def test_without_the_probe_nothing_is_known(phased_row: Document) -> None:
    without = phased_row | {"phases": None}
    assert phases.wall_ns(without) is None
    assert phases.phase_ns(without, "guest") is None
    assert phases.exits(without) is None
    assert phases.handling(without, "hypercall") == []


def test_a_unit_of_work_is_an_exit_or_a_wake_up(phased_row: Document, row: Document) -> None:
    assert phases.programmed(phased_row) == 100 * 23
    assert phases.programmed(row) == 200
