"""The agent as a whole, on real KVM: it measures, and leaves the host as found."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from agent.process import alive, start_time

from tests.probes.agent_host import Host, until

pytestmark = [pytest.mark.needs("kvm", "bpf", "root")]

PRIME = 23
HOST_KNOB = "host.halt_poll_ns"


def halting(count: int, ns: int, setting: dict[str, int] | None = None) -> dict[str, Any]:
    return {
        "setting": setting or {"vm.halt_poll_ns": 200_000},
        "workload": {
            "name": "w",
            "guest": "halt",
            "count": count,
            "interval": {"kind": "fixed", "ns": ns},
        },
    }


def long_trial(value: int) -> dict[str, Any]:
    return halting(60_000, 300_000, {HOST_KNOB: value})


def test_23_wake_ups_are_23_halts_and_agree_with_the_kernels_statistics(host: Host) -> None:
    host.plan([halting(PRIME, ns, {"vm.halt_poll_ns": ceiling})
               for ceiling in (0, 200_000) for ns in (150_000, 1_000_000)])  # fmt: skip
    host.start()
    assert host.end()["state"] == "complete", host.status()
    rows = host.rows()
    assert [row["status"] for row in rows] == ["ok"] * 4
    for row in rows:
        probe, statistics = row["haltpoll"], row["guest"]["stats"]["vcpu"][0]
        outcomes, sums = probe["outcomes"], probe["sums_ns"]
        assert row["guest"]["completed"] == PRIME
        assert probe["halts"] == PRIME
        assert probe["lost"] == 0
        assert len(probe["stream"]["ns"]) == PRIME

        # kvm_vcpu_halt(): an attempt is a halt with a window; it succeeds when the vCPU was not
        # scheduled out.
        attempts = outcomes["hit"] + outcomes["late_hit"] + outcomes["miss"]
        assert statistics["halt_attempted_poll"] == attempts
        assert statistics["halt_successful_poll"] == outcomes["hit"] + outcomes["late_hit"]
        assert statistics["halt_wakeup"] >= 0

        # Polled in success, polled in vain and waited make up all time halted; a late hit's time
        # between the end of its loop and its end is in no statistic.
        told = (
            statistics["halt_poll_success_ns"]
            + statistics["halt_poll_fail_ns"]
            + statistics["halt_wait_ns"]
        )
        seen = sum(sums.values())
        assert 0 <= seen - told <= sums["late_hit"]
        assert statistics["halt_poll_success_ns"] - sums["hit"] <= sums["late_hit"]
        # A miss polls its whole window and at most one turn of the loop more, unless another task
        # wanted the CPU.
        late = statistics["halt_poll_fail_ns"] - sums["miss_poll"]
        assert late <= outcomes["miss"] * 20_000
    never, _, some, _ = rows
    assert (
        never["haltpoll"]["outcomes"]["no_poll"] + never["haltpoll"]["outcomes"]["instant"] == PRIME
    )
    assert some["haltpoll"]["window_changes"] > 0


def test_the_window_in_the_stream_follows_the_windows_events(host: Host) -> None:
    host.plan([halting(101, 100_000)])
    host.start()
    assert host.end()["state"] == "complete"
    probe = host.rows()[0]["haltpoll"]
    changes = list(zip(probe["windows"]["at"], probe["windows"]["new"], strict=True))
    previous = -1
    for end, window in zip(probe["stream"]["end"], probe["stream"]["window"], strict=True):
        # A change is traced just before the wake-up of its halt and holds from the next one on.
        past = [new for at, new in changes if at < previous]
        assert window == (min(past[-1], 200_000) if past else 0)
        previous = end


def test_histograms_hold_what_the_stream_holds(host: Host) -> None:
    host.plan([halting(211, 100_000)])
    host.start()
    assert host.end()["state"] == "complete"
    probe = host.rows()[0]["haltpoll"]
    for outcome in ("hit", "late_hit", "no_poll", "instant"):
        counted = sum(count for _, count in probe["histograms"][outcome])
        assert counted == probe["outcomes"][outcome]
    for bucket, _ in probe["histograms"]["hit"]:
        shift = max(0, bucket // 32 - 1)
        low, width = (bucket if bucket < 32 else (bucket % 32 + 32) << shift), 1 << shift
        assert any(low <= ns < low + width for ns in probe["stream"]["ns"])


def test_a_plan_of_other_threads_is_not_counted(host: Host) -> None:
    binary = host.agent("doctor")["checks"]
    built = next(check["detail"] for check in binary if check["check"] == "compiler")
    vmm = built.rpartition(" ")[2]
    table = host.run / "table"
    table.write_text("100000\n" * 5000)
    other = subprocess.Popen(
        [vmm, "--workload", "halt", "--count", "5000", "--intervals", table],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    try:
        assert other.stdin
        other.stdin.write(b"go\n")
        other.stdin.flush()
        host.plan([halting(PRIME, 200_000)], allow_foreign_vms=False)
        host.start()
        refused = host.end()
        assert refused["state"] == "failed"
        assert "other VMs run on this host" in refused["error"]
        assert str(other.pid) in refused["error"]
        host.plan([halting(PRIME, 200_000)])
        host.start()
        assert host.end()["state"] == "complete"
        assert host.rows()[0]["haltpoll"]["halts"] == PRIME
    finally:
        other.kill()
        other.communicate()


def test_a_host_knob_is_set_for_its_trial_and_restored(host: Host) -> None:
    host.plan([halting(PRIME, 100_000, {HOST_KNOB: value}) for value in (0, 50_000)])
    host.start()
    assert host.end()["state"] == "complete"
    assert [row["effective"][HOST_KNOB] for row in host.rows()] == [0, 50_000]
    host.until_restored()


def test_a_read_only_knob_makes_inert_rows_and_a_missing_one_missing_rows(host: Host) -> None:
    host.parameter.chmod(0o444)
    host.parameter.with_name("halt_poll_ns_grow").unlink()
    host.plan(
        [
            halting(PRIME, 100_000, {HOST_KNOB: 0}),
            halting(PRIME, 100_000, {HOST_KNOB: 200_000}),
            halting(PRIME, 100_000, {"host.halt_poll_ns_grow": 4}),
        ]
    )
    host.start()
    assert host.end()["state"] == "complete"
    rows = host.rows()
    assert [row["status"] for row in rows] == ["inert", "ok", "missing"]
    assert "read-only" in rows[0]["reason"]
    assert "does not exist" in rows[2]["reason"]


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda s: s.name
)
def test_a_killed_agent_leaves_the_knob_as_found_and_a_resume_completes(
    host: Host, number: signal.Signals
) -> None:
    host.plan([halting(PRIME, 100_000, {HOST_KNOB: 1}), long_trial(20_000)])
    pid = host.start()
    started = start_time(pid)
    host.until_written(20_000)
    before = (host.run / "trials" / "000000.json").read_bytes()
    os.kill(pid, number)
    host.until_restored()
    state = host.end()
    assert state["state"] == "interrupted"
    assert state["done"] == 1
    until(lambda: not alive(pid, started))
    until(lambda: not vmms(host))

    host.plan([halting(PRIME, 100_000, {HOST_KNOB: 1}), halting(PRIME, 100_000, {HOST_KNOB: 2})])
    host.start()
    assert host.end()["state"] == "complete"
    assert [row["trial"] for row in host.rows()] == [0, 1]
    assert (host.run / "trials" / "000000.json").read_bytes() == before
    host.until_restored()


def vmms(host: Host) -> list[str]:
    found = subprocess.run(
        ["pgrep", "-f", f"{host.home}.*kvmlab-guest"], capture_output=True, text=True, check=False
    )
    return found.stdout.split()


def test_agent_and_guard_killed_together_are_mended_by_the_next(host: Host) -> None:
    host.plan([long_trial(20_000)])
    pid = host.start()
    host.until_written(20_000)
    guards = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=True)
    for victim in [*map(int, guards.stdout.split()), pid]:
        os.kill(victim, signal.SIGKILL)
    time.sleep(0.3)
    assert host.parameter.read_text() == "20000\n"
    assert host.agent("restore")["restored"] == [{"knob": HOST_KNOB, "value": 200_000}]
    host.until_restored()


def test_a_second_run_is_refused_while_the_host_is_locked(host: Host, tmp_path: Path) -> None:
    host.plan([long_trial(20_000)])
    host.start()
    host.until_written(20_000)
    other = Host(tmp_path / "other", host.home)
    other.plan([halting(PRIME, 100_000)])
    other.start()
    refused = other.end()
    assert refused["state"] == "failed"
    assert f"busy with run {host.run.name}" in refused["error"]
    assert host.agent("stop", "--run", str(host.run))["state"] == "interrupted"
    host.until_restored()


def test_a_start_finds_a_running_agent_and_a_finished_one(host: Host) -> None:
    host.plan([long_trial(20_000)])
    pid = host.start()
    assert host.start() == pid
    host.agent("stop", "--run", str(host.run))
    host.plan([halting(PRIME, 100_000)])
    host.start()
    assert host.end()["state"] == "complete"
    assert host.agent("start", "--run", str(host.run))["state"] == "complete"


def test_a_full_disk_gets_a_sentence_and_keeps_what_was_measured(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", small], check=True)
    try:
        host = Host(tmp_path / "full", small)
        host.plan([halting(PRIME, 100_000), *[halting(20_000, 1000)] * 20])
        host.start()
        state = host.end(120)
        assert state["state"] == "failed"
        assert "is full: free some space" in state["error"]
        assert json.loads((host.run / "trials" / "000000.json").read_text())["status"] == "ok"
        assert not list((host.run / "trials").glob(".*.tmp"))
    finally:
        subprocess.run(["umount", "--lazy", small], check=True)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "is not JSON"),
        ('{"schema": 2, "trials": [1]}', "has schema 2, not 1"),
        ('{"schema": 1, "trials": []}', "has no trials: nothing to do"),
    ],
)
def test_a_bad_plan_gets_a_sentence(host: Host, content: str, sentence: str) -> None:
    (host.run / "plan.json").write_text(content)
    answer = host.agent("start", "--run", str(host.run), check=False)
    assert answer.returncode == 3
    assert sentence in answer.stderr
    assert "Traceback" not in answer.stderr


def test_doctor_proves_what_the_default_experiment_needs(host: Host) -> None:
    report = host.agent("doctor")
    needed = {"root", "kvm", "bcc", "compiler", "kvm:kvm_vcpu_wakeup", "kvm:kvm_halt_poll_ns"}
    status = {check["check"]: check["status"] for check in report["checks"]}
    assert {name for name in needed if status[name] != "ok"} == set()
    assert all(check["remedy"] for check in report["checks"] if check["status"] != "ok")


def test_probes_come_and_go_with_the_trial(host: Host) -> None:
    levels: list[list[str]] = [[], ["phases"], [], ["halts"], ["nonsense"]]
    host.plan([{**halting(PRIME, 150_000), "probes": probes} for probes in levels])
    host.start()
    assert host.end()["state"] == "complete", host.status()
    *rows, unknown = host.rows()
    assert [row["guest"]["completed"] for row in rows] == [PRIME] * 4
    assert [row["haltpoll"] is not None for row in rows] == [False, True, False, True]
    assert [row["phases"] is not None for row in rows] == [False, True, False, False]
    assert rows[1]["haltpoll"]["halts"] == PRIME
    assert rows[1]["phases"]["vcpus"][0]["tid"] == rows[1]["guest"]["vcpus"][0]["tid"]
    assert unknown["status"] == "failed"
    assert "no probe level nonsense: it has halts, phases" in unknown["reason"]
