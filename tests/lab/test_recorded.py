"""The recorded run says what the kernel's algorithm says (virt/kvm/kvm_main.c)."""

from __future__ import annotations

from statistics import median
from typing import Any

import pytest

import lab
from lab import crosscheck
from lab.paths import RESULTS
from lab.stats import Verdict, compare
from lab.store.read import Run, read_run, runs

STORE = RESULTS / "recorded"
CEILING = "vm.halt_poll_ns"


@pytest.fixture(scope="module")
def run() -> Run:
    (path,) = (path for path in runs(STORE) if path.name.endswith("halt_poll_brief"))
    return read_run(path, STORE)


def rows(run: Run, workload: str, ceiling: int) -> list[dict[str, Any]]:
    return [
        row
        for row in run.rows["local"]
        if row["workload"]["name"] == workload
        and row["setting"][CEILING] == ceiling
        and not row["warmup"]
    ]


def share(rows: list[dict[str, Any]], outcome: str) -> float:
    return float(
        median(row["haltpoll"]["outcomes"][outcome] / row["haltpoll"]["halts"] for row in rows)
    )


def latency(rows: list[dict[str, Any]]) -> float:
    return float(median(median(row["guest"]["latency_ns"]) for row in rows))


def test_every_trial_is_whole(run: Run) -> None:
    assert len(run.rows["local"]) == len(run.plan["hosts"]["local"])
    for row in run.rows["local"]:
        probe, guest = row["haltpoll"], row["guest"]
        assert row["status"] == "ok"
        assert probe["lost"] == 0
        assert guest["completed"] == guest["count"]
        assert probe["halts"] == len(probe["stream"]["ns"]) <= guest["completed"]
        assert row["effective"][CEILING] == row["setting"][CEILING]


def test_nothing_polls_at_zero(run: Run) -> None:
    for workload in ("fixed-30us", "fixed-150us", "exponential-100us", "fixed-1ms"):
        for row in rows(run, workload, 0):
            outcomes = row["haltpoll"]["outcomes"]
            assert outcomes["hit"] == outcomes["late_hit"] == outcomes["miss"] == 0
            assert row["guest"]["stats"]["vcpu"][0]["halt_attempted_poll"] == 0


def test_the_window_stays_below_the_ceiling(run: Run) -> None:
    for row in run.rows["local"]:
        assert max(row["haltpoll"]["stream"]["window"]) <= row["setting"][CEILING]


def test_polling_pays_below_the_window_and_not_above_it(run: Run) -> None:
    assert share(rows(run, "fixed-150us", 200_000), "hit") > 0.8
    assert share(rows(run, "fixed-150us", 50_000), "hit") == 0
    assert share(rows(run, "fixed-1ms", 200_000), "hit") == 0


def test_the_guest_sees_the_hits_and_the_host_pays_for_them(run: Run) -> None:
    polled, slept = rows(run, "fixed-150us", 200_000), rows(run, "fixed-150us", 0)
    assert latency(polled) < latency(slept)

    def burned(of: list[dict[str, Any]]) -> float:
        return float(
            median(row["guest"]["cpu"]["vcpu_ns"] / row["guest"]["completed"] for row in of)
        )

    assert burned(polled) > 2 * burned(slept)


def test_the_statistics_find_it() -> None:
    trials = lab.load(*runs(STORE), store=STORE).where(workload="fixed-150us").trials
    verdicts = {
        (each.setting, each.metric): each.verdict for each in compare(trials, f"{CEILING}=200000")
    }
    assert verdicts[f"{CEILING}=0", "wakeup_p50_ns"] == Verdict.WORSE
    assert verdicts[f"{CEILING}=0", "cpu_ns_per_wakeup"] == Verdict.BETTER


def test_probe_and_kernel_agree_on_every_halt(run: Run) -> None:
    for row in run.rows["local"]:
        statistics, outcomes = row["guest"]["stats"]["vcpu"][0], row["haltpoll"]["outcomes"]
        assert statistics["halt_successful_poll"] == outcomes["hit"] + outcomes["late_hit"]
        assert crosscheck.differences(row)
