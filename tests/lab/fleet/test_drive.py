"""The fleet driven against a fake agent: every end a host can come to, side by side."""

from __future__ import annotations

import fcntl
import gzip
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from lab.fleet import drive
from lab.fleet.drive import Outcome
from lab.fleet.progress import Event, HostProgress, HostStage
from lab.paths import ROOT
from tests.lab.fleet.bench import PROBES, RUN, UNREACHABLE, Bench, eventually, plan

HOSTS: dict[str, dict[str, Any]] = {
    "good": {},
    "failing": {},
    "dying": {},
    "unsupported": {},
    "refusing": {"ansible_become_password": "hunter2-secret"},
    "lost": UNREACHABLE,
    "pythonless": {"ansible_python_interpreter": "/nowhere/python3"},
    "sudoless": {
        "ansible_become": True,
        "ansible_become_user": "nobody",
        "ansible_become_exe": "/nowhere/sudo",
    },
}
FAKES = {"failing": "fail", "dying": "die", "unsupported": "unsupported", "refusing": "refuse"}


class Driven:
    """One run over all hosts, and what was seen of it."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.plans = {host: plan(FAKES.get(host, "complete")) for host in HOSTS}
        self.events: list[Event] = []
        self.outcomes = self.execute(self.plans)

    def execute(self, plans: dict[str, dict[str, Any]]) -> dict[str, Outcome]:
        return drive.execute(
            plans,
            self.bench.destination,
            self.bench.inventory,
            provision=False,
            on_progress=self.events.append,
            probes=PROBES,
        )

    def trials(self, host: str) -> list[int]:
        with gzip.open(self.bench.destination / f"{host}.jsonl.gz", "rt") as rows:
            return [json.loads(row)["trial"] for row in rows]


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Driven:
    return Driven(Bench(tmp_path_factory.mktemp("fleet"), **HOSTS))


def test_a_good_host_completes_beside_all_others(driven: Driven) -> None:
    good = driven.outcomes["good"]
    assert (good.state, good.error) == ("complete", None)
    assert good.results == driven.bench.destination / "good.jsonl.gz"
    assert driven.trials("good") == [0, 1, 2, 3]
    assert HostProgress("good", 4, 4, None) in driven.events
    assert HostStage("good", "Fetch the results") in driven.events


def test_the_agent_has_the_same_environment_everywhere(driven: Driven) -> None:
    facts = driven.outcomes["good"].facts
    assert facts is not None
    assert facts["environment"] == ["HOME", "LC_ALL", "PATH", "PYTHONDONTWRITEBYTECODE"]


@pytest.mark.parametrize(
    ("host", "state", "sentence"),
    [
        ("failing", "partial", "the guest does not build; 2 of 4 trials are done: kvmlab run"),
        ("dying", "partial", "the agent was killed; 2 of 4 trials are done: kvmlab run --resume"),
        ("unsupported", "unsupported", "/dev/kvm cannot be opened: load the KVM module"),
        ("refusing", "failed", "the fake refuses, and says ********"),
        ("lost", "unreachable", "lost cannot be reached over SSH (Connection refused): check"),
        ("pythonless", "failed", "pythonless has no /nowhere/python3: install python3 there, or"),
        ("sudoless", "failed", "sudoless has no sudo: log in as root (ansible_user: root"),
    ],
)
def test_every_other_end_is_one_sentence(
    driven: Driven, host: str, state: str, sentence: str
) -> None:
    outcome = driven.outcomes[host]
    assert outcome.state == state
    assert outcome.error is not None
    assert outcome.error.startswith(sentence)
    assert "\n" not in outcome.error


def test_what_was_done_before_it_broke_is_fetched(driven: Driven) -> None:
    assert driven.trials("failing") == [0, 1]
    assert {path.name for path in driven.bench.destination.iterdir()} == {
        *("ansible.log", "good.jsonl.gz", "failing.jsonl.gz", "dying.jsonl.gz")
    }


def test_the_log_has_the_tasks_and_no_secret(driven: Driven) -> None:
    log = (driven.bench.destination / "ansible.log").read_text()
    assert "TASK [agent : Start the agent]" in log
    assert "the fake refuses" in log
    assert "hunter2" not in log
    assert "RETRYING" not in log


def test_probes_are_shipped_whole_under_their_digest(driven: Driven) -> None:
    (shipped,) = driven.bench.home("good").glob("probes-*")
    assert len(shipped.name) == len("probes-") + 64
    names = {path.name for path in shipped.rglob("*") if path.is_file()}
    assert names == {"__init__.py", "__main__.py"}


class Resumed:
    """The same run once more: the agent that died goes on, and `good` is sent another plan."""

    def __init__(self, driven: Driven) -> None:
        rows = driven.bench.run("dying") / "trials"
        self.before = {path.name: path.stat().st_ino for path in rows.iterdir()}
        self.outcomes = driven.execute(
            {"dying": driven.plans["dying"], "good": plan(trials=5)},
        )
        self.after = {path.name: path.stat().st_ino for path in rows.iterdir()}


@pytest.fixture(scope="module")
def resumed(driven: Driven) -> Resumed:
    return Resumed(driven)


def test_a_resume_adds_what_is_missing_and_repeats_nothing(
    driven: Driven, resumed: Resumed
) -> None:
    assert resumed.outcomes["dying"].state == "complete"
    assert driven.trials("dying") == [0, 1, 2, 3]
    assert len(resumed.before) == 2
    assert resumed.before.items() <= resumed.after.items()


def test_another_plan_under_the_same_name_is_refused(driven: Driven, resumed: Resumed) -> None:
    refused = resumed.outcomes["good"]
    assert refused.state == "failed"
    assert refused.error is not None
    assert refused.error.endswith("another plan under this name: start a new run")
    assert json.loads((driven.bench.run("good") / "plan.json").read_text()) == plan()
    assert driven.trials("good") == [0, 1, 2, 3]


def test_fewer_rows_never_replace_more(tmp_path: Path) -> None:
    final, fetched = tmp_path / "one.jsonl.gz", tmp_path / ".one.jsonl.gz.token.tmp"
    final.write_bytes(gzip.compress(b"{}\n" * 3))
    fetched.write_bytes(gzip.compress(b"{}\n" * 2))
    assert drive._accept(tmp_path, "one", "token") == final
    assert gzip.decompress(final.read_bytes()).count(b"\n") == 3
    fetched.write_bytes(gzip.compress(b"{}\n" * 4))
    assert drive._accept(tmp_path, "one", "token") == final
    assert gzip.decompress(final.read_bytes()).count(b"\n") == 4


# Runs its last word here, as ssh would there, unless the "line" is cut.
SSH = """#!/bin/sh
if [ -e {cut} ]; then
    echo "ssh: connect to host h port 22: Connection timed out" >&2
    exit 255
fi
for command; do :; done
exec sh -c "$command"
"""


def over_ssh(folder: Path, name: str, reconnects: int) -> dict[str, Any]:
    """Return the variables of a host whose line is cut while `folder/name.cut` exists."""
    ssh = folder / f"ssh-{name}"
    ssh.write_text(SSH.format(cut=folder / f"{name}.cut"))
    ssh.chmod(0o755)
    return {
        "ansible_connection": "ssh",
        "ansible_ssh_executable": str(ssh),
        "ansible_ssh_transfer_method": "piped",
        "agent_reconnects": reconnects,
    }


def test_a_line_cut_for_a_moment_costs_nothing_and_for_good_one_host(tmp_path: Path) -> None:
    moment, good = tmp_path / "moment.cut", tmp_path / "good.cut"
    bench = Bench(
        tmp_path, moment=over_ssh(tmp_path, "moment", 8), good=over_ssh(tmp_path, "good", 1)
    )
    mends: list[threading.Timer] = []

    def cut(event: Event) -> None:
        if isinstance(event, HostProgress) and event.done < event.total:
            good.touch()
            if not mends:
                moment.touch()
                mends.append(threading.Timer(3.0, moment.unlink))
                mends[0].start()

    outcomes = drive.execute(
        {"moment": plan("slow"), "good": plan("slow")},
        bench.destination,
        bench.inventory,
        provision=False,
        on_progress=cut,
        probes=PROBES,
    )
    assert [timer.is_alive() for timer in mends] == [False]
    assert (outcomes["moment"].state, outcomes["moment"].error) == ("complete", None)
    assert outcomes["good"].state == "unreachable"
    assert outcomes["good"].error == (
        "lost while its agent ran, which goes on by itself: good cannot be reached over SSH "
        f"(Connection timed out): check ansible_host and ansible_port in {bench.inventory}"
    )
    assert eventually(lambda: len(list(bench.run("good").glob("trials/*"))) == 4)


def test_a_stage_is_a_prefix_of_the_plan_and_the_next_one_goes_on(tmp_path: Path) -> None:
    bench = Bench(tmp_path, one={})

    def execute(through: int) -> tuple[Outcome, dict[str, int]]:
        outcomes = drive.execute(
            {"one": plan()},
            bench.destination,
            bench.inventory,
            through={"one": through},
            provision=False,
            probes=PROBES,
        )
        rows = {row.name: row.stat().st_ino for row in bench.run("one").glob("trials/*")}
        return outcomes["one"], rows

    first, early = execute(1)
    assert (first.state, first.error, len(early)) == ("complete", None, 1)
    second, late = execute(3)
    assert (second.state, len(late)) == ("complete", 3)
    assert early.items() <= late.items()
    # Once more, as a resume would have it.
    assert execute(3) == (second, late)


def rebooting(folder: Path, name: str) -> dict[str, Any]:
    """Return the variables of a host with a boot_id of its own, which a command changes."""
    boot, command = folder / f"{name}.boot_id", folder / f"{name}-reboot"
    boot.write_text(f"{name}-boot-1\n")
    command.write_text(f"#!/bin/sh\necho {name}-boot-2 > {boot}\n")
    command.chmod(0o755)
    return {
        **over_ssh(folder, name, 1),
        "boot_show": f"cat {boot}",
        "kvmlab_reboot_command": str(command),
    }


def test_a_host_is_rebooted_out_of_the_boots_it_had_and_no_other(tmp_path: Path) -> None:
    names = ("stale", "fresh", "busy")
    bench = Bench(tmp_path, **{name: rebooting(tmp_path, name) for name in names}, lost=UNREACHABLE)
    used = {"stale": ["stale-boot-0", "stale-boot-1"], "fresh": ["fresh-boot-0"], "lost": ["x"]}
    bench.home("busy").mkdir()
    with (bench.home("busy") / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        outcomes = drive.reboot({**used, "busy": ["busy-boot-1"]}, bench.inventory, provision=False)
    states = {host: outcome.state for host, outcome in outcomes.items()}
    assert states.pop("busy") == "failed"
    assert "busy with another run and is not rebooted under it" in (outcomes["busy"].error or "")
    assert (tmp_path / "busy.boot_id").read_text() == "busy-boot-1\n"
    assert states == {"stale": "complete", "fresh": "complete", "lost": "unreachable"}
    assert (tmp_path / "stale.boot_id").read_text() == "stale-boot-2\n"
    assert (tmp_path / "fresh.boot_id").read_text() == "fresh-boot-1\n"


def test_the_machine_that_runs_the_lab_is_never_rebooted(tmp_path: Path) -> None:
    here = {key: value for key, value in rebooting(tmp_path, "me").items() if key != "boot_show"}
    bench = Bench(tmp_path, me=here)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    outcomes = drive.reboot({"me": [boot]}, bench.inventory, provision=False)
    assert outcomes["me"].state == "failed"
    assert outcomes["me"].error == (
        "me: it is the machine that runs the lab, which is never rebooted: remove kvmlab_reboot "
        "from its entry in the inventory"
    )
    assert (tmp_path / "me.boot_id").read_text() == "me-boot-1\n"


CONTROLLER = """
import json, sys
from pathlib import Path
from lab.fleet import drive
plans, destination, inventory, probes = json.loads(sys.argv[1])
try:
    drive.execute(plans, Path(destination), Path(inventory), provision=False, probes=Path(probes),
                  on_progress=lambda event: print(event, flush=True))
except drive.Interrupted as interrupted:
    for host, outcome in interrupted.outcomes.items():
        print("OUTCOME", host, outcome.state, outcome.error)
"""


@pytest.fixture
def hanging(tmp_path: Path) -> tuple[Bench, subprocess.Popen[str]]:
    """Return a controller whose agent hangs after two trials."""
    bench = Bench(tmp_path, one={})
    words = ({"one": plan("hang")}, *map(str, (bench.destination, bench.inventory, PROBES)))
    controller = subprocess.Popen(
        [sys.executable, "-c", CONTROLLER, json.dumps(words)],
        cwd=ROOT,
        # What a killed controller leaves goes away with the test's folder.
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert controller.stdout is not None
    for line in controller.stdout:
        if "done=2" in line:
            return bench, controller
    raise AssertionError(controller.wait())


def is_agent(line: str) -> bool:
    return "-m agent" in line and "daemon" in line


def test_a_terminated_controller_stops_agents_and_keeps_their_rows(
    hanging: tuple[Bench, subprocess.Popen[str]],
) -> None:
    bench, controller = hanging
    controller.terminate()
    said, _ = controller.communicate()
    assert (
        f"OUTCOME one partial stopped by SIGTERM; 2 of 4 trials are done: kvmlab run --resume {RUN}"
        in said
    )
    assert not bench.processes()
    assert not (bench.home("one") / "knob").exists()
    assert gzip.decompress((bench.destination / "one.jsonl.gz").read_bytes()).count(b"\n") == 2


def test_a_killed_controller_leaves_the_agent_at_work_and_no_ansible(
    hanging: tuple[Bench, subprocess.Popen[str]],
) -> None:
    bench, controller = hanging
    controller.kill()
    controller.communicate()
    try:
        assert eventually(lambda: all(map(is_agent, bench.processes()))), bench.processes()
        assert len(bench.processes()) == 1
    finally:
        restored = drive.restore(["one"], bench.inventory, purge=True, probes=PROBES)
    assert restored == {"one": drive.Restored()}
    assert not bench.processes()
    assert not bench.home("one").exists()


def test_restore_tells_what_it_set_back_and_what_it_could_not_reach(tmp_path: Path) -> None:
    bench = Bench(tmp_path, left={}, untouched={}, lost=UNREACHABLE)
    (bench.home("left") / "runs").mkdir(parents=True)
    (bench.home("left") / "knob").write_text("changed")
    restored = drive.restore(["left", "untouched", "lost"], bench.inventory, probes=PROBES)
    assert restored["left"] == drive.Restored([{"knob": "fake", "value": "as found"}])
    assert restored["untouched"] == drive.Restored()
    assert not bench.home("untouched").exists()
    assert "cannot be reached" in (restored["lost"].error or "")


def test_doctor_answers_for_every_host(tmp_path: Path) -> None:
    bench = Bench(tmp_path, good={}, lost=UNREACHABLE)
    answers = drive.doctor(["good", "lost"], bench.inventory, probes=PROBES)
    assert answers["good"] == {"checks": [], "facts": {"hostname": "fake"}}
    (check,) = answers["lost"]["checks"]
    assert (check["check"], check["status"]) == ("reached", "missing")
    assert check["detail"] == "lost cannot be reached over SSH (Connection refused)"
    assert check["remedy"].startswith("check ansible_host and ansible_port in ")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Return the mount point of a file system with room for next to nothing."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4k", "tiny", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    return folder


@pytest.mark.needs("root")
def test_a_full_disk_is_said(tmp_path: Path, tiny: Path) -> None:
    bench = Bench(tmp_path, full={"kvmlab_home": str(tiny)})
    try:
        answers = drive.doctor(["full"], bench.inventory, probes=PROBES)
        left = list(tiny.iterdir())
    finally:
        subprocess.run(["umount", str(tiny)], check=True)
    (check,) = answers["full"]["checks"]
    assert check["detail"] == "full has a full disk"
    assert check["remedy"].startswith("make room, above all in /var/lib/kvmlab")
    assert left == []


def test_signals_have_their_old_handlers_back(tmp_path: Path) -> None:
    bench = Bench(tmp_path, lost=UNREACHABLE)
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    drive.doctor(["lost"], bench.inventory, probes=PROBES)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
