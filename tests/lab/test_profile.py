from __future__ import annotations

import pytest

from lab.profile import Profile, profile
from lab.store.read import Run
from lab.summary import summarise
from tests import synthetic_phases


@pytest.fixture(scope="module")
def whole(phased: Run) -> Profile:
    return profile(summarise(phased), "synthetic")


def hidden(run: Run) -> Run:
    rows = tuple(
        row | {"phases": row["phases"] and synthetic_phases.unseen(row["phases"])}
        for row in run.rows["synthetic"]
    )
    return Run(run.path, run.manifest, run.plan, {"synthetic": rows})


def test_shares_of_each_workload_sum_to_one(whole: Profile) -> None:
    assert [each.workload for each in whole.times] == ["exit", "hypercall", "fpu", "fixed-150us"]
    for each in whole.times:
        assert sum(each.shares.values()) == pytest.approx(1)
        assert each.n == 6


def test_classes_keep_the_native_names_and_count_by_unit_of_work(whole: Profile) -> None:
    found = {(each.workload, each.kind): each for each in whole.exits}
    hypercalls = found["hypercall", "hypercall"]
    assert hypercalls.natives == ("vmmcall",)
    assert hypercalls.per_unit.median.value == 1
    assert hypercalls.p50 is not None
    assert hypercalls.p99 is not None
    assert 600 < hypercalls.p50.median.value < hypercalls.p99.median.value
    assert found["hypercall", "interrupt"].p99 is None
    assert ("hypercall", "page_fault") not in found


def test_halts_are_added_up_over_trials(whole: Profile) -> None:
    (halts,) = whole.halts
    assert sum(each.count or 0 for each in halts.outcomes.values()) == 6 * 200


def test_what_is_hidden_is_said_with_its_reason(whole: Profile, phased: Run) -> None:
    assert whole.unseen == {"kvm_load_guest_fpu": "because the compiler put it inside its callers"}
    blind = profile(summarise(hidden(phased)), "synthetic")
    assert "stay silent" in blind.unseen["guest, handling, run_overhead"]
    assert all("guest" not in each.shares for each in blind.times)
    assert all(sum(each.shares.values()) == pytest.approx(1) for each in blind.times)
    assert blind.exits == ()


def test_the_architecture_brings_what_it_cannot_show(whole: Profile) -> None:
    assert whole.architecture is not None
    assert whole.architecture.title == "x86"


def test_a_run_without_phases_has_halts_only(run: Run) -> None:
    plain = profile(summarise(run), "synthetic")
    assert (plain.times, plain.exits) == ((), ())
    assert len(plain.halts) == 5 * 4
