from __future__ import annotations

import pytest

from lab import metrics
from lab.store.layout import Document


def halt_row(**changes: object) -> Document:
    guest = {
        "completed": 4, "wall_ns": 8000, "cpu": {"vcpu_ns": 2000}, "latency_ns": [10, 20, 30, 40],
        "stats": {"vcpu": [{"halt_poll_fail_ns": 8}, {"halt_poll_fail_ns": 12}]},
    }  # fmt: skip
    probe = {
        "lost": 3, "halts": 12,
        "outcomes": {"hit": 6, "late_hit": 1, "miss": 3, "no_poll": 2, "instant": 0},
        "sums_ns": {"hit": 100, "late_hit": 20, "miss_poll": 60, "miss_wait": 300, "no_poll": 500,
                    "instant": 1},
    }  # fmt: skip
    row: Document = {
        "status": "ok",
        "workload": {"guest": "halt"},
        "guest": guest,
        "haltpoll": probe,
    }
    return row | changes


def test_metrics_of_a_halting_trial() -> None:
    assert metrics.measure(halt_row()) == {
        "wakeup_p50_ns": pytest.approx(25),
        "cpu_ns_per_wakeup": 500,
        "poll_vain_ns_per_wakeup": 20,
        "poll_fail_ns_per_wakeup": 5,
        "poll_ns_per_wakeup": 45,
        "poll_hit_rate": 0.6,
        "wait_ns_per_wakeup": 200,
        "cpu_share": 0.25,
        "lost_events": 3,
        "halts_hit": 1.5,
        "halts_late_hit": 0.25,
        "halts_miss": 0.75,
        "halts_no_poll": 0.5,
    }


def test_a_p99_needs_a_hundred_values() -> None:
    row = halt_row()
    row["guest"]["latency_ns"] = list(range(1, 100))
    assert "wakeup_p99_ns" not in metrics.measure(row)
    row["guest"]["latency_ns"] = list(range(1, 101))
    assert metrics.measure(row)["wakeup_p99_ns"] == pytest.approx(99.42, abs=0.01)


def test_what_the_probe_would_say_is_absent_without_it() -> None:
    assert metrics.measure(halt_row(haltpoll=None)).keys() == {
        "wakeup_p50_ns", "cpu_ns_per_wakeup", "cpu_share", "poll_fail_ns_per_wakeup",
    }  # fmt: skip


def test_no_polls_have_no_hit_rate_but_zero_poll_time() -> None:
    row = halt_row()
    row["haltpoll"]["outcomes"] |= {"hit": 0, "late_hit": 0, "miss": 0}
    row["haltpoll"]["sums_ns"] |= {"hit": 0, "late_hit": 0, "miss_poll": 0}
    measured = metrics.measure(row)
    assert "poll_hit_rate" not in measured
    assert measured["poll_vain_ns_per_wakeup"] == 0


def test_nothing_completed_gives_no_value_per_wakeup() -> None:
    row = halt_row()
    row["guest"]["completed"] = 0
    assert "cpu_ns_per_wakeup" not in metrics.measure(row)


@pytest.mark.parametrize("status", ["inert", "missing"])
def test_a_trial_that_was_not_run_has_no_values(status: str) -> None:
    assert metrics.measure({**halt_row(status=status), "guest": None}) == {}


def test_a_failed_trial_has_no_values_and_an_inert_one_that_ran_has_all() -> None:
    assert metrics.measure(halt_row(status="failed")) == {}
    assert metrics.measure(halt_row(status="inert")) == metrics.measure(halt_row())


def test_exits_are_by_exit_not_by_batch() -> None:
    guest = {
        "completed": 2, "wall_ns": 1000, "cpu": {"vcpu_ns": 900}, "batch": 50,
        "batch_ns": [5000, 6000],
    }  # fmt: skip
    row = {"status": "ok", "workload": {"guest": "exit"}, "guest": guest, "haltpoll": None}
    assert metrics.measure(row) == {"exit_p50_ns": 110, "cpu_share": 0.9}


def test_names_are_unique_and_primary_metrics_have_a_direction() -> None:
    names = [each.name for each in metrics.METRICS]
    assert len(set(names)) == len(names)
    for name in metrics.PRIMARY:
        assert metrics.metric(name).direction is not metrics.Direction.NEITHER


def served_row(**requests: int) -> Document:
    row = halt_row(workload={"guest": "net_rr"})
    row["guest"] |= {
        "round_trip_ns": [100, 300, 200], "send_late_ns": [7, 9, 8],
        "requests": {"sent": 8, "early": 2, "lost": 1, **requests},
        "vcpus": [{"cpu_ns": 2000}, {"cpu_ns": 500, "ticks": 3}, {"cpu_ns": 300, "ticks": 3}],
        "stats": {"vcpu": [
            {"halt_poll_success_ns": 70, "halt_poll_fail_ns": 8},
            {"halt_poll_success_ns": 5, "halt_poll_fail_ns": 12},
            {"halt_poll_success_ns": 0, "halt_poll_fail_ns": 3},
        ]},
    }  # fmt: skip
    return row


def test_metrics_of_requests_beside_those_of_halts() -> None:
    expected = {
        "round_trip_p50_ns": 200,
        "lost_requests": 1 / 8,
        "early_interrupts": 2 / 8,
        "send_late_p50_ns": 8,
        "peers_cpu_ns_per_request": 200,
        "peers_polled_ns_per_request": 5,
        "wakeup_p50_ns": 25,
        "poll_hit_rate": 0.6,
    }
    found = metrics.measure(served_row())
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_one_vcpu_has_no_peers() -> None:
    row = served_row()
    row["guest"]["vcpus"] = row["guest"]["vcpus"][:1]
    row["guest"]["stats"]["vcpu"] = row["guest"]["stats"]["vcpu"][:1]
    assert not {name for name in metrics.measure(row) if name.startswith("peers")}
