"""`kvmlab run` as a user calls it: real KVM, real Ansible, and deaths in the middle."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agent.process import start_time

from lab.errors import Exit

pytestmark = [pytest.mark.needs("kvm", "bpf", "root")]

KVMLAB = Path(sys.executable).with_name("kvmlab")
PRIME = 23
TRIALS = 1 + 3 * 2
QUESTION = """
analysis = "Does the house stand?"
seed = 7
blocks = 3
time_budget_s = 60
overhead = false
[knobs]
"vm.halt_poll_ns" = [0, 200_000]
[reference]
"vm.halt_poll_ns" = 200_000
[[workloads]]
name = "w"
guest = "halt"
count = COUNT
interval = { kind = "fixed", ns = 300_000 }
"""
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}


class Lab:
    """A store, an inventory and a host folder of a test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.results = folder / "results"
        self.inventory = folder / "inventory.json"
        self.hosts({"here": LOCAL})
        self.ask(PRIME)

    def hosts(self, hosts: dict[str, dict[str, Any]]) -> None:
        own = {name: {**host, "kvmlab_home": str(self.home)} for name, host in hosts.items()}
        self.inventory.write_text(json.dumps({"all": {"hosts": own}}))

    def ask(self, count: int) -> None:
        (self.folder / "q.toml").write_text(QUESTION.replace("COUNT", str(count)))

    def command(self, *words: str) -> list[str]:
        return [str(KVMLAB), "--results", str(self.results), *words]

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command("run", *words, "--no-provision", "--allow-foreign-vms",
                         "--inventory", str(self.inventory)),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *words: str) -> tuple[int, str, str]:
        process = self.start(*words)
        out, err = process.communicate(timeout=300)
        return process.returncode, out, err

    def question(self) -> str:
        return str(self.folder / "q.toml")

    @property
    def only(self) -> Path:
        (run,) = (path.parent for path in self.results.glob("*/manifest.json"))
        return run

    def manifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads((self.only / "manifest.json").read_text())
        return manifest

    def rows(self, host: str = "here") -> list[dict[str, Any]]:
        content = gzip.decompress((self.only / f"{host}.jsonl.gz").read_bytes())
        return [json.loads(line) for line in content.splitlines()]

    def on_host(self) -> dict[str, bytes]:
        return {p.name: p.read_bytes() for p in self.home.glob("runs/*/trials/[0-9]*.json")}

    def agent(self) -> int:
        state = next(iter(self.home.glob("runs/*/state.json")))
        return int(json.loads(state.read_text())["pid"])


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def until(condition: Callable[[], Any], patience_s: float = 90) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_run_goes_through_every_room(lab: Lab) -> None:
    status, out, err = lab.run(lab.question())
    assert status == Exit.OK, err
    assert "wake-up p50" in out
    assert "comparisons" in out
    report = Path(err.partition("report: ")[2].splitlines()[0])
    assert "Does the house stand?" in report.read_text()
    rows = lab.rows()
    assert [row["trial"] for row in rows] == list(range(TRIALS))
    assert {row["status"] for row in rows} == {"ok"}
    assert {row["haltpoll"]["halts"] for row in rows} == {PRIME}
    assert lab.manifest()["state"] == "complete"
    facts = lab.manifest()["hosts"]["here"]["facts"]
    assert facts["kernel"] == os.uname().release
    assert facts["clock_class"] in {"hardware", "nested", "emulated", "icount"}
    assert len(facts["probes_sha256"]) == 64

    # Reading commands, each as a table and as JSON.
    run = lab.only.name
    for words in (["list"], ["show", run], ["compare", run]):
        shown = subprocess.run(lab.command(*words), capture_output=True, text=True, check=True)
        assert shown.stdout.strip()
        plain = subprocess.run(
            lab.command(*words, "--json"), capture_output=True, text=True, check=True
        )
        assert json.loads(plain.stdout)

    # Nothing is left to do, and doing it does nothing.
    before = (lab.only / "here.jsonl.gz").read_bytes()
    assert lab.run("--resume", run)[0] == Exit.OK
    assert (lab.only / "here.jsonl.gz").read_bytes() == before


def test_a_killed_controller_loses_nothing_and_a_resume_completes(lab: Lab) -> None:
    lab.ask(5_000)
    process = lab.start(lab.question())
    until(lambda: len(lab.on_host()) >= 2)
    process.kill()
    process.communicate()
    early = lab.on_host()
    # The agent goes on by itself.
    until(lambda: len(lab.on_host()) > len(early))
    status, _, err = lab.run("--resume", lab.only.name)
    assert status == Exit.OK, err
    assert [row["trial"] for row in lab.rows()] == list(range(TRIALS))
    late = lab.on_host()
    assert {name: late[name] for name in early} == early


def test_a_killed_agent_is_an_error_row_and_a_resume_completes(lab: Lab) -> None:
    lab.ask(5_000)
    process = lab.start(lab.question())
    until(lambda: len(lab.on_host()) >= 2)
    os.kill(lab.agent(), signal.SIGKILL)
    _, err = process.communicate(timeout=300)
    assert process.returncode == Exit.FAILURE
    assert "the agent was killed" in err
    assert f"kvmlab run --resume {lab.only.name}" in err
    assert "Traceback" not in err
    assert lab.manifest()["state"] == "partial"
    early = lab.on_host()
    assert 2 <= len(early) < TRIALS
    status, _, err = lab.run("--resume", lab.only.name)
    assert status == Exit.OK, err
    assert [row["trial"] for row in lab.rows()] == list(range(TRIALS))
    late = lab.on_host()
    assert {name: late[name] for name in early} == early


SEQUENTIAL = """
blocks = 12
aa = true
[stop]
width = 1.0001
metrics = ["wakeup_p50_ns"]
min_blocks = 6
"""


def test_a_sequential_run_goes_on_after_its_controller_was_killed(lab: Lab) -> None:
    text = QUESTION.replace("COUNT", "500").replace("blocks = 3\n", "")
    head, knobs = text.split("[knobs]")
    stop, table = SEQUENTIAL.split("[stop]")
    (lab.folder / "q.toml").write_text(f"{head}{stop}[stop]{table}[knobs]{knobs}")
    process = lab.start(lab.question())
    first = 1 + 6 * 3
    until(lambda: len(lab.on_host()) > first, patience_s=300)
    process.kill()
    process.communicate()
    assert lab.manifest()["hosts"]["here"]["state"] == "running"
    early = lab.on_host()
    status, _, err = lab.run("--resume", lab.only.name)
    assert status == Exit.OK, err
    entry = lab.manifest()["hosts"]["here"]
    looks = [(look["blocks"], look["next"], look["reason"]) for look in entry["looks"]]
    assert looks == [(6, 12, None), (12, None, "blocks")]
    assert entry["state"] == lab.manifest()["state"] == "complete"
    rows = lab.rows()
    assert [row["trial"] for row in rows] == list(range(1 + 12 * 3))
    assert sum(row["aa"] for row in rows) == 12
    assert len({row["boot_id"] for row in rows}) == 1
    assert rows[-1]["host_state"]["load_1m"] > 0
    late = lab.on_host()
    assert {name: late[name] for name in early} == early


def test_ctrl_c_stops_the_agent_and_can_be_resumed(lab: Lab) -> None:
    lab.ask(5_000)
    process = lab.start(lab.question())
    until(lambda: len(lab.on_host()) >= 2)
    agent = lab.agent()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == Exit.INTERRUPTED
    assert f"kvmlab run --resume {lab.only.name}" in err
    assert start_time(agent) is None
    assert lab.manifest()["state"] == "partial"
    assert lab.run("--resume", lab.only.name)[0] == Exit.OK
    assert len(lab.rows()) == TRIALS


def test_an_unreachable_host_does_not_stop_the_other(lab: Lab) -> None:
    away = {"ansible_host": "127.0.0.1", "ansible_port": 1}
    lab.hosts({"here": LOCAL, "away": away})
    status, out, err = lab.run(lab.question())
    assert status == Exit.FAILURE
    assert "away: unreachable: " in err
    assert "Traceback" not in err
    assert "wake-up p50" in out
    states = {host: entry["state"] for host, entry in lab.manifest()["hosts"].items()}
    assert states == {"here": "complete", "away": "unreachable"}
    assert len(lab.rows()) == TRIALS


def test_without_knobs_the_host_is_measured_as_it_is_found(lab: Lab) -> None:
    start, end = QUESTION.index("overhead"), QUESTION.index("[[workloads]]")
    plain = QUESTION[:start] + QUESTION[end:]
    (lab.folder / "q.toml").write_text(plain.replace("COUNT", str(PRIME)))
    status, out, err = lab.run(lab.question())
    assert status == Exit.OK, err
    assert "as found" in out
    assert "what the probes cost the guest" in out
    rows = lab.rows()
    assert len(rows) == 1 + 3 * 2
    assert {row["status"] for row in rows} == {"ok"}
    assert [row["probes"] for row in rows].count([]) == 3


def test_without_kvm_nothing_runs_and_77_says_so(lab: Lab) -> None:
    hidden = 'mount --bind /dev/null /dev/kvm && exec "$@"'
    answer = subprocess.run(
        ["unshare", "--mount", "sh", "-c", hidden, "sh",
         *lab.command("run", lab.question(), "--no-provision", "--inventory", str(lab.inventory))],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert answer.returncode == Exit.NOTHING_TO_RUN, answer.stderr
    assert "/dev/kvm" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_plan_has_trials_and_writes_and_does_nothing(lab: Lab) -> None:
    words = lab.command("plan", lab.question(), "--inventory", str(lab.inventory))
    said = subprocess.run([*words, "--json"], capture_output=True, text=True, check=True)
    plan = json.loads(said.stdout)
    assert len(plan["hosts"]["here"]) == TRIALS
    targets = [write["target"] for write in plan["writes"]["here"]]
    assert "KVM_ENABLE_CAP(KVM_CAP_HALT_POLL)" in targets
    assert not lab.results.exists()
    assert not lab.home.exists()
    said = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "warm-up" in said.stdout


def test_a_full_disk_of_the_controller_gets_a_sentence(lab: Lab) -> None:
    lab.results.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k,nr_inodes=8", "none", lab.results], check=True
    )
    try:
        status, _, err = lab.run(lab.question())
    finally:
        subprocess.run(["umount", lab.results], check=True)
    assert status == Exit.FAILURE
    assert "another --results" in err
    assert "Traceback" not in err
