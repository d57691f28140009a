"""The probe on this machine's KVM: every nanosecond has its phase, whatever befalls the vCPU."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lab.paths import PROBES

pytestmark = [pytest.mark.needs("kvm", "bpf", "root")]

PYTHON = "/usr/bin/python3"
PRIME = 23
# What the VMM makes beside the workload: the guest's start, end and last exit, and one to warm up.
CALLS = 4
# Its first and its last KVM_RUN leave at once, between two readings of its clock.
TOUCHES = 2
AROUND = CALLS + TOUCHES


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def watch(
    home: Path, *vms: list[str], levels: str = "phases", after: str | None = None, ceiling: int = 0
) -> list[dict[str, Any]]:
    spec = {"levels": [levels], "ceiling": ceiling, "vms": vms, "after": after}
    answer = subprocess.run(
        [PYTHON, Path(__file__).with_name("watch.py"), PROBES, home, json.dumps(spec)],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert answer.returncode == 0, answer.stderr
    rows: list[dict[str, Any]] = json.loads(answer.stdout)
    for row in rows:
        assert row["haltpoll"]["lost"] == 0
        if "phases" in row:
            conserved(row)
    return rows


def conserved(row: dict[str, Any]) -> None:
    assert row["phases"]["dropped"] == 0
    for vcpu in row["phases"]["vcpus"]:
        told = sum(ns for ns in vcpu["phases"].values() if ns is not None)
        assert vcpu["wall_ns"] == vcpu["ended"] - vcpu["began"] == told + vcpu["unattributed_ns"]
        assert min(ns for ns in vcpu["phases"].values() if ns is not None) >= 0
    # The VMM's own clock; a tid that came round again has two accounts, one of them this VM's.
    for own in row["guest"].get("vcpus", []):
        walls = [v["wall_ns"] for v in row["phases"]["vcpus"] if v["tid"] == own["tid"]]
        assert [wall for wall in walls if own["run_least_ns"] <= wall <= own["run_ns"]]


def halting(home: Path, count: int, ns: int, *options: str) -> list[str]:
    table = home / f"intervals-{ns}"
    table.write_text(f"{ns}\n" * count)
    return ["--workload", "halt", "--count", str(count), "--intervals", str(table), *options]


def only(row: dict[str, Any]) -> dict[str, Any]:
    (vcpu,) = row["phases"]["vcpus"]
    assert vcpu["vcpu"] == 0
    assert vcpu["tid"] == row["guest"]["vcpus"][0]["tid"]
    found: dict[str, Any] = vcpu
    return found


def samples(row: dict[str, Any], phase: str) -> int:
    return sum(
        count
        for histogram in row["phases"]["histograms"]
        if histogram["phase"] == phase
        for _, count in histogram["buckets"]
    )


def test_23_exits_to_the_vmm_are_23_and_what_is_silent_is_said(home: Path) -> None:
    (row,) = watch(home, ["--workload", "userspace", "--count", str(PRIME), "--batch", "1"])
    vcpu, section = only(row), row["phases"]
    assert vcpu["runs"] == PRIME + AROUND
    told = {end["name"]: end["count"] for end in section["userspace_exits"]}
    assert told == {"KVM_EXIT_IO": PRIME + CALLS, "EINTR": TOUCHES}
    assert vcpu["phases"]["userspace"] > 0
    assert vcpu["ended_by"] == "return"
    assert section["attach"]["sched:sched_switch"] == "tracepoint"
    if vcpu["entries"]:
        (io,) = (exit_ for exit_ in section["exits"] if exit_["class"] == "userspace_io")
        assert io["count"] == PRIME + CALLS
        assert vcpu["unattributed_ns"] == 0
    else:
        assert set(section["not_visible"]) >= {"guest", "handling", "run_overhead"}
        assert vcpu["phases"]["guest"] is None
        assert vcpu["unattributed_ns"] > 0


def test_counts_begin_again_and_windows_go_on(home: Path) -> None:
    many = 20_000
    options = halting(home, many, 20_000, "--halt-poll-ns", "10000000")
    (row,) = watch(home, options, levels="halts", after="restart", ceiling=10_000_000)
    halts = row["haltpoll"]
    assert 0 < halts["halts"] < many
    # A window taken for 0 would make every halt an instant one: it changes no more.
    assert halts["stream"]["window"][0] > 0
    assert halts["outcomes"]["hit"] > halts["outcomes"]["instant"]


def test_a_vcpu_that_polls_and_one_that_sleeps(home: Path) -> None:
    (polling,) = watch(
        home, halting(home, 101, 20_000, "--halt-poll-ns", "200000"), ceiling=200_000
    )
    (sleeping,) = watch(home, halting(home, 101, 20_000, "--halt-poll-ns", "0"))
    assert only(sleeping)["phases"]["polled"] == 0
    assert samples(sleeping, "polled") == 0
    slept = sleeping["haltpoll"]["outcomes"]["no_poll"]
    assert slept > 0
    # A vCPU woken on its way to sleep has "waited" for KVM, and was never off its CPU.
    assert samples(sleeping, "blocked") > 0
    assert only(sleeping)["phases"]["blocked"] > 0

    outcomes = polling["haltpoll"]["outcomes"]
    polls = outcomes["hit"] + outcomes["late_hit"] + outcomes["miss"]
    assert 0 < samples(polling, "polled") <= polls
    told = polling["haltpoll"]["sums_ns"]
    most = told["hit"] + told["late_hit"] + told["miss_poll"]
    assert 0 < only(polling)["phases"]["polled"] <= most


def test_halts_are_the_same_at_either_level(home: Path) -> None:
    for levels in ("halts", "phases"):
        (row,) = watch(home, halting(home, 101, 100_000), levels=levels, ceiling=200_000)
        statistics = row["guest"]["stats"]["vcpu"][0]
        outcomes = row["haltpoll"]["outcomes"]
        attempts = outcomes["hit"] + outcomes["late_hit"] + outcomes["miss"]
        # A wake-up that is already pending at HLT never comes to kvm_vcpu_halt().
        assert 0 < row["haltpoll"]["halts"] <= 101
        assert statistics["halt_attempted_poll"] == attempts
        assert ("phases" in row) == (levels == "phases")


def test_a_busy_task_on_its_cpu_preempts_the_vcpu(home: Path) -> None:
    exits = ["--workload", "exit", "--count", "2003", "--batch", "100", "--cpu", "1"]
    (row,) = watch(home, exits, after="burn")
    vcpu = only(row)
    assert samples(row, "preempted") > 0
    # Of two busy tasks on a CPU, each gets its share.
    assert vcpu["phases"]["preempted"] > vcpu["wall_ns"] / 5
    assert vcpu["migrations"] == 0


def test_a_vcpu_that_is_moved_counts_its_migrations(home: Path) -> None:
    exits = ["--workload", "exit", "--count", "10007", "--batch", "100", "--cpu", "1"]
    (row,) = watch(home, exits, after="move")
    assert only(row)["migrations"] == 2


def test_a_vm_killed_in_mid_run_is_accounted_for_to_its_end(home: Path) -> None:
    exits = ["--workload", "exit", "--count", "1000003", "--batch", "100"]
    (row,) = watch(home, exits, after="kill")
    (vcpu,) = row["phases"]["vcpus"]
    assert row["guest"] == {}
    # A signal ends KVM_RUN, so even this vCPU returned.
    assert vcpu["ended_by"] == "return"
    assert {end["name"] for end in row["phases"]["userspace_exits"]} >= {"EINTR"}
    assert vcpu["wall_ns"] > 50_000_000


def test_two_vms_at_once_have_accounts_of_their_own(home: Path) -> None:
    few, many = watch(
        home,
        ["--workload", "userspace", "--count", "23", "--batch", "1"],
        ["--workload", "userspace", "--count", "101", "--batch", "1"],
    )
    assert few["pid"] != many["pid"]
    assert only(few)["runs"] == 23 + AROUND
    assert only(many)["runs"] == 101 + AROUND


@pytest.mark.skipif(
    not Path("/proc/sys/kernel/ns_last_pid").exists(), reason="this kernel picks every pid itself"
)
def test_a_tid_that_comes_round_again_is_another_vcpu(home: Path) -> None:
    counts = (23, 101)
    vms = [["--workload", "userspace", "--count", str(n), "--batch", "1"] for n in counts]
    rows = watch(home, *vms, after="reuse")
    if len(rows) < len(counts):
        pytest.skip("other processes took the number each time")
    first, second = rows[0]["phases"]["vcpus"]
    assert first["tid"] == second["tid"]
    assert [vcpu["runs"] for vcpu in (first, second)] == [count + AROUND for count in counts]
    assert first["ended"] < second["began"]
