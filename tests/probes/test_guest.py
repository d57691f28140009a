"""The tiny guest and its VMM: what it measures agrees with KVM, and every failure is a sentence."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from tests.probes.vmm import lacking, result, run, skip_lacking

BATCHES = ["exit", "userspace", "hypercall", "mmio", "ipi", "fpu"]

WAKEUPS = 23
INTERVAL_NS = 300_000

# Primes, so that no other count is mistaken for theirs.
SAMPLES = 23
BATCH = 7
EXITS = SAMPLES * BATCH

# Exits of the guest's own calls between the two readings of the statistics.
CALLS = 3

# Which of KVM's statistics of a vCPU count what a workload does; none counts H_CEDE. A software KVM
# does CPUID inside its emulator, many to an exit; either counter has them all. Hardware may send
# IPIs without any exit (AVIC, GICv4.1, SIGP interpretation).
_COUNTERS: dict[str, dict[str, list[str]]] = {
    "x86_64": {
        "halt": ["halt_exits"],
        "exit": ["exits", "insn_emulation"],
        "userspace": ["exits"],
        "hypercall": ["hypercalls"],
        "mmio": ["mmio_exits"],
        "fpu": ["exits", "insn_emulation"],
    },
    "aarch64": {
        "halt": ["wfi_exit_stat"],
        "exit": ["hvc_exit_stat"],
        "userspace": ["mmio_exit_user"],
        "hypercall": ["hvc_exit_stat"],
        "mmio": ["mmio_exit_user"],
        "fpu": ["hvc_exit_stat"],
    },
    "ppc64le": {workload: ["sum_exits"] for workload in BATCHES if workload != "ipi"},
    "s390x": {
        "halt": ["exit_wait_state"],
        "exit": ["instruction_diagnose_9c"],
        "userspace": ["instruction_diagnose_500"],
        "hypercall": ["instruction_diagnose_9c"],
        "fpu": ["instruction_diagnose_9c"],
    },
}
COUNTERS = _COUNTERS[os.uname().machine]

# Those of them that count nothing but the workload, or the workload and the guest's calls.
WORKLOAD_ONLY = {
    "hypercalls",
    "mmio_exits",
    "hvc_exit_stat",
    "instruction_diagnose_9c",
}
WITH_CALLS = {"mmio_exit_user", "instruction_diagnose_500"}

# Starts the VMM as its child, says so, and waits to be killed.
PARENT = """
import subprocess, sys, time
vmm = subprocess.Popen(sys.argv[1:], stdin=sys.stdin, stdout=subprocess.PIPE)
print(vmm.pid, vmm.stdout.readline(), flush=True)
time.sleep(60)
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "intervals"
    path.write_text(f"{INTERVAL_NS}\n" * WAKEUPS)
    return path


def halt(vmm: Path, table: Path, *options: object) -> dict[str, Any]:
    return result(vmm, "--workload", "halt", "--count", WAKEUPS, "--intervals", table, *options)


def gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


@pytest.mark.needs("kvm")
def test_every_wakeup_is_there(vmm: Path, table: Path) -> None:
    guest = halt(vmm, table)
    assert guest["count"] == guest["completed"] == WAKEUPS
    assert len(guest["latency_ns"]) == len(guest["arm_ns"]) == WAKEUPS
    assert min(guest["latency_ns"]) >= 0
    assert min(guest["arm_ns"]) > 0
    assert guest["wall_ns"] >= WAKEUPS * INTERVAL_NS
    assert guest["wall_ns"] >= sum(guest["latency_ns"]) + WAKEUPS * INTERVAL_NS
    assert 0 < guest["cpu"]["vcpu_ns"] <= guest["wall_ns"]


@pytest.mark.needs("kvm")
def test_halts_agree_with_kvm(vmm: Path, table: Path) -> None:
    guest = halt(vmm, table)
    [vcpu] = guest["stats"]["vcpu"]
    halts = guest["completed"] + guest["spurious"]
    assert [vcpu[name] for name in COUNTERS.get("halt", [])] in ([], [halts])
    assert sum(vcpu["halt_wait_hist"]) <= halts
    assert guest["stats"]["vm"]


@pytest.mark.needs("kvm")
def test_a_wakeup_that_is_due_already_is_a_halt_too(vmm: Path, tmp_path: Path) -> None:
    table = tmp_path / "at-once"
    table.write_text("1\n" * WAKEUPS)
    guest = halt(vmm, table)
    assert guest["completed"] == WAKEUPS
    [vcpu] = guest["stats"]["vcpu"]
    halts = guest["completed"] + guest["spurious"]
    assert [vcpu[name] for name in COUNTERS.get("halt", [])] in ([], [halts])


@pytest.mark.needs("kvm")
def test_halt_polling_can_be_switched_off_for_one_vm(vmm: Path, table: Path) -> None:
    [vcpu] = halt(vmm, table, "--halt-poll-ns", 0)["stats"]["vcpu"]
    assert vcpu["halt_attempted_poll"] == 0
    assert vcpu["halt_poll_success_ns"] == vcpu["halt_poll_fail_ns"] == 0


@pytest.mark.needs("kvm")
@pytest.mark.skipif(
    os.uname().machine == "ppc64le", reason="KVM-HV on POWER9 and later never polls (book3s_hv.c)"
)
def test_halt_polling_can_be_switched_on_for_one_vm(vmm: Path, table: Path) -> None:
    [vcpu] = halt(vmm, table, "--halt-poll-ns", 10 * INTERVAL_NS)["stats"]["vcpu"]
    assert vcpu["halt_attempted_poll"] > 0


@pytest.mark.needs("kvm")
@pytest.mark.parametrize("workload", BATCHES)
def test_every_exit_is_there(vmm: Path, workload: str) -> None:
    skip_lacking(vmm, workload)
    guest = result(vmm, "--workload", workload, "--count", SAMPLES, "--batch", BATCH)
    assert guest["completed"] == len(guest["batch_ns"]) == SAMPLES
    assert guest["batch"] == BATCH
    assert min(guest["batch_ns"]) > 0
    assert sum(guest["batch_ns"]) <= guest["wall_ns"]
    seen = guest["stats"]["vcpu"][0]
    counted = {name: seen[name] for name in COUNTERS.get(workload, [])}
    assert max(counted.values(), default=EXITS) >= EXITS
    for name in counted.keys() & WORKLOAD_ONLY:
        assert counted[name] == EXITS
    for name in counted.keys() & WITH_CALLS:
        assert counted[name] == EXITS + CALLS


@pytest.mark.needs("kvm")
@pytest.mark.parametrize("workload", BATCHES)
def test_every_vcpu_brings_its_wall_time(vmm: Path, workload: str) -> None:
    skip_lacking(vmm, workload)
    before = time.monotonic_ns()
    guest = result(vmm, "--workload", workload, "--count", SAMPLES, "--batch", BATCH)
    whole = time.monotonic_ns() - before
    assert [vcpu["id"] for vcpu in guest["vcpus"]] == list(range(2 if workload == "ipi" else 1))
    assert len(guest["stats"]["vcpu"]) == len(guest["vcpus"])
    for vcpu in guest["vcpus"]:
        assert guest["wall_ns"] < vcpu["run_least_ns"] < vcpu["run_ns"] < whole


@pytest.mark.needs("kvm")
def test_what_is_lacking_is_refused_with_the_reason_it_describes(vmm: Path) -> None:
    reasons = {name: reason for name, reason in lacking(vmm).items() if reason}
    if not reasons:
        pytest.skip("every workload can be run here")
    for workload, reason in reasons.items():
        done = run(vmm, "--workload", workload, "--count", 1)
        assert done.returncode == 4
        assert done.stdout == ""
        assert done.stderr == f"kvmlab-guest: --workload {workload} cannot be run here: {reason}\n"


@pytest.mark.needs("kvm")
def test_counter_runs_as_kvm_says(vmm: Path, table: Path) -> None:
    counter = halt(vmm, table)["counter"]
    assert counter["source"]
    assert counter["used"] in {"calibrated", "nominal"}
    # Short runs bound the error badly, and say so.
    assert counter["calibrated_hz"] == pytest.approx(
        counter["nominal_hz"], rel=max(0.01, counter["error_bound"])
    )


@pytest.mark.needs("kvm")
def test_a_long_run_does_not_refute_the_nominal_rate(vmm: Path, tmp_path: Path) -> None:
    table = tmp_path / "seldom"
    table.write_text("10000000\n" * WAKEUPS)
    counter = halt(vmm, table)["counter"]
    assert counter["calibrated_hz"] == pytest.approx(counter["nominal_hz"], rel=0.01)
    assert counter["used"] == "nominal"


@pytest.mark.needs("kvm")
def test_describe(vmm: Path) -> None:
    description = json.loads(run(vmm, "--describe").stdout)
    assert description["architecture"] == os.uname().machine
    assert description["kvm_api_version"] == 12
    assert set(description["workloads"]) == {"halt", "net_rr", "net_stream", "disk_rr", *BATCHES}
    for workload in description["workloads"].values():
        assert bool(workload["instruction"]) != bool(workload["reason"])
    assert isinstance(description["halt_poll_cap"], bool)


@pytest.mark.needs("kvm")
def test_vcpu_thread_waits_pinned_and_named(vmm: Path, table: Path) -> None:
    cpu = max(os.sched_getaffinity(0))
    options = ["--workload", "halt", "--count", str(WAKEUPS), "--intervals", str(table)]
    with subprocess.Popen(
        [str(vmm), *options, "--cpu", str(cpu)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        ready = json.loads(process.stdout.readline())["ready"]
        [vcpu] = ready["vcpus"]
        assert ready["pid"] == process.pid != vcpu["tid"]
        assert Path(f"/proc/{process.pid}/task/{vcpu['tid']}/comm").read_text() == "vcpu0\n"
        assert os.sched_getaffinity(vcpu["tid"]) == {cpu}
        process.stdin.close()
        assert process.stdout.read() == b""
    assert process.returncode == 0


@pytest.mark.needs("kvm")
@pytest.mark.parametrize("both", [False, True], ids=["elsewhere", "pinned"])
def test_the_second_vcpu_has_a_cpu_of_its_own(vmm: Path, both: bool) -> None:  # noqa: FBT001
    skip_lacking(vmm, "ipi")
    *others, cpu = sorted(os.sched_getaffinity(0))
    where = f"{cpu},{others[0]}" if both else str(cpu)
    with subprocess.Popen(
        [str(vmm), "--workload", "ipi", "--count", "1", "--cpu", where],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin
        assert process.stdout
        vcpus = json.loads(process.stdout.readline())["ready"]["vcpus"]
        for vcpu, cpus in zip(vcpus, [{cpu}, {others[0]} if both else set(others)], strict=True):
            comm = Path(f"/proc/{process.pid}/task/{vcpu['tid']}/comm")
            assert comm.read_text() == f"vcpu{vcpu['id']}\n"
            assert os.sched_getaffinity(vcpu["tid"]) == cpus
        process.stdin.close()
        process.wait()


@pytest.mark.needs("kvm")
def test_two_vcpus_are_not_confined_to_one_cpu(vmm: Path) -> None:
    skip_lacking(vmm, "ipi")
    cpu = max(os.sched_getaffinity(0))
    done = subprocess.run(
        ["taskset", "-c", str(cpu), str(vmm), "--workload", "ipi", "--count", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "--cpu is missing: this process is confined to one CPU" in done.stderr


@pytest.mark.needs("kvm")
def test_end_of_file_means_leave(vmm: Path, table: Path) -> None:
    done = run(vmm, "--workload", "halt", "--count", 1, "--intervals", table, go="")
    assert done.returncode == 0
    assert list(json.loads(done.stdout)) == ["ready"]
    assert done.stderr == ""


@pytest.mark.needs("kvm")
@pytest.mark.parametrize("go", ["", "go\n"], ids=["waiting", "running"])
def test_dies_with_its_parent(vmm: Path, go: str) -> None:
    guest = [str(vmm), "--workload", "exit", "--count", "10000000", "--batch", "1000"]
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, *guest],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdin
        assert parent.stdout
        pid = int(parent.stdout.readline().split()[0])
        # This end stays open: it is the parent's death that ends the VMM, not the end of its stdin.
        parent.stdin.write(go)
        parent.stdin.flush()
        assert not gone(pid)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        deadline = time.monotonic() + 10
        while not gone(pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert gone(pid)


@pytest.mark.needs("kvm")
@pytest.mark.parametrize("workload", BATCHES)
def test_time_out_says_how_far_it_got(vmm: Path, workload: str) -> None:
    skip_lacking(vmm, workload)
    done = run(vmm, "--workload", workload, "--count", 10_000_000, "--batch", 1000, "--timeout", 1)
    assert done.returncode == 3
    assert done.stderr.startswith("kvmlab-guest: the guest was stopped after 1 s with ")
    assert " of 10000000 samples" in done.stderr
    assert "did not leave" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.needs("kvm")
def test_another_word_than_go(vmm: Path, table: Path) -> None:
    done = run(vmm, "--workload", "halt", "--count", 1, "--intervals", table, go="gone\n")
    assert done.returncode == 2
    assert "`go`" in done.stderr


HALT = ["--workload", "halt", "--count", "5"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "--workload is missing"),
        (["--workload", "sleep"], "--workload is 'sleep'"),
        (["--workload", "exit"], "--count is missing"),
        (["--workload", "exit", "--count", "-1"], "--count is '-1'"),
        (["--workload", "exit", "--count", "0"], "--count is '0'"),
        (["--workload", "exit", "--count", "5k"], "--count is '5k'"),
        (["--workload", "exit", "--count", "10000001"], "--count is '10000001'"),
        (["--workload", "exit", "--count"], "--count needs a value"),
        (["--workload", "exit", "--count", "5", "--batch", "0"], "--batch is '0'"),
        (["--workload", "exit", "--count", "5", "--intervals", "x"], "--intervals does not"),
        (["--workload", "exit", "--count", "5", "--cpu", "1023"], "--cpu is 1023"),
        (["--workload", "exit", "--count", "5", "--cpu", "0,"], "--cpu is ''"),
        (["--workload", "exit", "--count", "5", "--cpu", "0,1023"], "--cpu is 1023"),
        (["--workload", "exit", "--count", "5", "--cpu", "0,0"], "the second CPU of --cpu"),
        (["--workload", "ipi", "--count", "5", "--cpu", "0,0"], "--cpu has 0 twice"),
        (["--workload", "exit", "--count", "5", "--timeout", "0"], "--timeout is '0'"),
        (["--workload", "exit", "--count", "5", "more"], "'more' is not an option"),
        (["--workload", "exit", "--count", "5", "--vcpus", "2"], "--vcpus does not belong"),
        (
            ["--workload", "exit", "--count", "5", "--open"],
            "--netns, --patience and --remote belong",
        ),
        (["--polling"], "--polling is not an option"),
        (["-xy"], "-xy is not an option"),
        (HALT, "--intervals is missing"),
        ([*HALT, "--intervals", "/nowhere"], "/nowhere cannot be read: No such file"),
        ([*HALT, "--intervals", "/"], "/ cannot be read: Is a directory"),
        ([*HALT, "--intervals", "x", "--batch", "3"], "--batch does not"),
        ([*HALT, "--intervals", "x", "--halt-poll-ns", "4294967296"], "--halt-poll-ns is"),
    ],
)
def test_bad_options_are_one_sentence(vmm: Path, options: list[str], words: str) -> None:
    done = run(vmm, *options)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("kvmlab-guest: ")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("100\n200\n", "has 2 intervals and --count asks for 5"),
        ("", "has 0 intervals"),
        ("100\n\n", "line 2 of"),
        ("100\n2.5\n", "is '2.5'"),
        ("100\n0\n", "is '0'"),
        ("9" * 100, "line 1 of"),
    ],
)
def test_bad_tables_are_one_sentence(vmm: Path, tmp_path: Path, text: str, words: str) -> None:
    table = tmp_path / "bad"
    table.write_text(text)
    done = run(vmm, *HALT, "--intervals", table)
    assert done.returncode == 2
    assert done.stderr.startswith("kvmlab-guest: ")
    assert words in done.stderr
    assert str(table) in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_help(vmm: Path) -> None:
    done = run(vmm, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("usage: kvmlab-guest ")
    assert max(map(len, done.stdout.splitlines())) <= 100


@pytest.mark.needs("root")
def test_without_a_usable_kvm_nothing_ran(vmm: Path) -> None:
    kvm = Path("/dev/kvm")
    if kvm.exists() and kvm.stat().st_mode & 0o006:
        pytest.skip("everybody may open /dev/kvm here")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        binary = shutil.copy(vmm, folder)
        done = subprocess.run(
            [binary, "--workload", "exit", "--count", "1"],
            user=65534,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 77
    assert done.stdout == ""
    assert done.stderr.startswith("kvmlab-guest: /dev/kvm ")
    assert len(done.stderr.splitlines()) == 1
