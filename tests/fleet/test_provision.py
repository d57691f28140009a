"""A host from what it is to a host of the lab: back goes tests/fleet/test_withdrawal.py.

What Molecule calls converge, idempotence, check and cleanup, played by the lab itself against the
hosts that it boots: another tool with drivers and instances of its own would test another way in.
Installing packages cannot be seen here, for these hosts have no network; the compiler and bcc are
in their image.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab.errors import Exit
from lab.fleet.ansible import Event, Play, play
from lab.paths import PLAYBOOKS
from tests.fleet.bench import Emulated, Lab

pytestmark = pytest.mark.needs("fleet")

LIMIT_S = 1800


@pytest.fixture(scope="module")
def lab(emulated: Emulated, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(tmp_path_factory.mktemp("provision"), there=emulated.entry())


def provision(lab: Lab) -> list[dict[str, Any]]:
    """Provision the host; return what each task that ran said of itself."""
    events: list[Event] = []
    play(Play("provision.yml", lab.inventory, ["there"], LIMIT_S, LIMIT_S), events.append)
    (stats,) = (e["event_data"] for e in events if e["event"] == "playbook_on_stats")
    assert stats["failures"] == stats["dark"] == {}
    return [e["event_data"] for e in events if e["event"] == "runner_on_ok"]


def changed(said: list[dict[str, Any]]) -> list[str]:
    return [task["task"] for task in said if task["res"].get("changed")]


def test_provisioning_loads_kvm_once_and_then_changes_nothing(emulated: Emulated, lab: Lab) -> None:
    # Where it is built in nothing can be taken out.
    modules = emulated.ssh("grep -oE '^kvm_(amd|hv) |^kvm ' /proc/modules | head -n 1")
    if modules:
        emulated.ssh(f"modprobe --remove {modules} || rmmod {modules} kvm")
        assert changed(provision(lab)) == ["Load a KVM module"]
    assert emulated.ssh("test -c /dev/kvm && echo there") == "there"
    again = provision(lab)
    assert changed(again) == []
    assert {"Look which packages are there", "Look what the host is"} <= {t["task"] for t in again}


def test_check_mode_goes_through_and_changes_nothing(lab: Lab, tmp_path: Path) -> None:
    answer = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"),
         "--check", "--inventory", lab.inventory, "provision.yml"],
        cwd=PLAYBOOKS,
        env={**os.environ, "ANSIBLE_HOME": str(tmp_path), "LC_ALL": "C.UTF-8"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "changed=0" in answer.stdout


# What tuning may write, and what the kernel moves when it does.
SETTINGS = """
cd /sys; grep -H . kernel/mm/transparent_hugepage/enabled devices/virtual/workqueue/cpumask \
    devices/system/cpu/cpu*/online fs/cgroup/cgroup.subtree_control \
    module/kvm/parameters/halt_poll_ns /proc/irq/default_smp_affinity /proc/irq/*/smp_affinity_list
taskset --cpu-list --pid 1
"""
TUNING = {"thp": "never", "isolation": "on", "governor": "performance"}
COUNT = 50


def test_tuning_is_in_force_recorded_and_undone_by_kill_9_too(
    emulated: Emulated, tmp_path: Path
) -> None:
    lab = Lab(tmp_path, there=emulated.entry(kvmlab_tuning=TUNING))
    found = emulated.ssh(SETTINGS)
    home = "/var/lib/kvmlab"
    # What is looked at below belongs to this run.
    emulated.ssh(f"rm -rf {home}/runs/*")
    process = lab.start("run", lab.question("halt", count=COUNT, blocks=2), "--no-provision")
    emulated.ssh(f"until ls {home}/runs/*/trials/000000.json; do sleep 1; done 2>/dev/null")
    in_force = emulated.ssh(SETTINGS)
    assert "always madvise [never]" in in_force
    assert "cpuset" in in_force
    (line,) = (line for line in in_force.splitlines() if line.startswith("pid 1's"))
    assert line.endswith("list: 0")
    assert "transparent_hugepage" in emulated.ssh(f"cat {home}/journal.json")

    agent = emulated.ssh(f"sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/' {home}/runs/*/state.json")
    emulated.ssh(f"kill -9 {agent}; while test -e {home}/journal.json; do sleep 0.2; done")
    assert emulated.ssh(SETTINGS) == found
    ended = lab.end(process)
    assert ended.status == Exit.FAILURE
    assert "the agent was killed and its guard restored the host" in ended.err

    ended = lab.kvmlab("run", "--resume", lab.run.name, "--no-provision")
    assert ended.status in {Exit.OK, Exit.INCONCLUSIVE}, ended.err
    assert emulated.ssh(SETTINGS) == found
    facts = lab.entry("there")["facts"]
    assert facts["thp"] == "never"
    told = {fact["tuning"]: fact for fact in facts["tuning"]}
    assert {name: fact["status"] for name, fact in told.items()} == {
        "thp": "ok",
        "isolation": "ok",
        # No emulated host has a frequency to govern.
        "governor": "missing",
    }
    assert "scaling_governor" in told["governor"]["reason"]
    assert "governor=performance was asked for and is not in force" in ended.out + ended.err
