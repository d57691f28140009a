"""The recorded run of `network_brief` says what published figures of halt polling say.

None is slower than dynamic polling, which is no quicker than static (Linux commit aca6ff29c406),
where the window holds a halt; where it does not, dynamic polling is none, and static burns a CPU.
"""

from __future__ import annotations

import pytest

import lab
from lab import crosscheck
from lab.paths import RESULTS
from lab.stats import Comparison, Verdict, compare
from lab.store.read import Run, read_run, runs

STORE = RESULTS / "recorded"
CEILING = "vm.halt_poll_ns"
NONE, DYNAMIC, STATIC = 0, 200_000, 10_000_000
SHORT, LONG = ("rr", "disk"), ("rr-1ms", "open-1ms")
OPEN = "open-250us"

Found = dict[tuple[str, int, str], Comparison]


@pytest.fixture(scope="module")
def run() -> Run:
    (path,) = (path for path in runs(STORE) if path.name.endswith("network_brief"))
    return read_run(path, STORE)


@pytest.fixture(scope="module")
def found(run: Run) -> Found:
    return {
        (each.workload, int(each.setting.partition("=")[2]), each.metric): each
        for each in compare(lab.load(run.path, store=STORE).trials, f"{CEILING}={NONE}")
    }


def test_every_request_is_counted_by_all(run: Run) -> None:
    assert len(run.rows["local"]) == len(run.plan["hosts"]["local"])
    for row in run.rows["local"]:
        guest, requests = row["guest"], row["guest"]["requests"]
        assert row["status"] == "ok"
        assert {requests[name] for name in ("sent", "interrupts", "replies")} == {guest["count"]}
        assert guest["completed"] == len(guest["round_trip_ns"]) == guest["count"]


def test_the_kernel_counts_the_same_halts(run: Run) -> None:
    for row in run.rows["local"]:
        counts = [each for each in crosscheck.differences(row) if each.quantity.unit == "events"]
        assert counts
        assert not [each for each in counts if each.notable]


@pytest.mark.parametrize("workload", SHORT)
def test_where_the_window_holds_a_halt_both_ways_to_poll_shorten_the_trip(
    found: Found, workload: str
) -> None:
    for ceiling in (DYNAMIC, STATIC):
        assert found[workload, ceiling, "round_trip_p50_ns"].verdict is Verdict.BETTER
        assert found[workload, ceiling, "cpu_ns_per_wakeup"].verdict is Verdict.WORSE


@pytest.mark.parametrize("workload", SHORT)
def test_none_is_slower_than_dynamic_and_dynamic_no_quicker_than_static(
    run: Run, workload: str
) -> None:
    trials = lab.load(run.path, store=STORE).where(workload=workload).trials
    (static,) = (
        each
        for each in compare(trials, f"{CEILING}={DYNAMIC}")
        if (each.setting, each.metric) == (f"{CEILING}={STATIC}", "round_trip_p50_ns")
    )
    assert static.low is not None
    assert static.high is not None
    assert static.low < 1.02


@pytest.mark.parametrize("workload", LONG)
def test_where_it_does_not_dynamic_polling_is_none_and_static_burns_a_cpu(
    found: Found, workload: str
) -> None:
    dynamic = found[workload, DYNAMIC, "round_trip_p50_ns"]
    assert dynamic.verdict is not Verdict.BETTER
    static = found[workload, STATIC, "cpu_ns_per_wakeup"]
    assert static.verdict is Verdict.WORSE
    assert static.ratio is not None
    assert static.ratio > 5
    assert found[workload, STATIC, "round_trip_p50_ns"].verdict is Verdict.BETTER


def test_an_open_loop_says_the_same_of_most_of_its_halts(found: Found) -> None:
    static = found[OPEN, STATIC, "round_trip_p50_ns"]
    assert static.verdict is Verdict.BETTER
    assert found[OPEN, STATIC, "cpu_ns_per_wakeup"].verdict is Verdict.WORSE
