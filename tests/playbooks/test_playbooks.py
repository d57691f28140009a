"""The playbooks: linted as for production, and changing nothing the second time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.fleet.ansible import Event, Play, play
from lab.fleet.drive import LOCAL
from lab.paths import PLAYBOOKS

BIN = Path(sys.executable).parent


def test_ansible_lint_finds_nothing(tmp_path: Path) -> None:
    answer = subprocess.run(
        [
            BIN / "ansible-lint",
            "--profile",
            "production",
            "--offline",
            "--strict",
            "--nocolor",
            ".",
        ],
        cwd=PLAYBOOKS,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "ANSIBLE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def ansible_playbook(home: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "ansible-playbook", *words],
        cwd=PLAYBOOKS,
        env={**os.environ, "ANSIBLE_HOME": str(home), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_playbook_is_sound(tmp_path: Path) -> None:
    playbooks = sorted(PLAYBOOKS.glob("*.yml"))
    assert len(playbooks) >= 6
    answer = ansible_playbook(tmp_path, "--syntax-check", *playbooks)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def provisioned(playbook: str) -> tuple[int, dict[str, str]]:
    """Play it on this machine; return how much changed, and what each task came to."""
    events: list[Event] = []
    play(Play(playbook, LOCAL, ["local"], 1800, 1800), events.append)
    (stats,) = (e["event_data"] for e in events if e["event"] == "playbook_on_stats")
    assert stats["failures"] == stats["dark"] == {}
    tasks = {
        event["event_data"]["task"]: event["event"].removeprefix("runner_on_")
        for event in events
        if event["event"] in {"runner_on_ok", "runner_on_skipped"}
    }
    return stats["changed"].get("local", 0), tasks


@pytest.fixture(scope="module")
def once() -> None:
    """Provision this machine a first time."""
    provisioned("provision.yml")


@pytest.mark.needs("root")
@pytest.mark.usefixtures("once")
def test_provisioning_twice_changes_nothing_and_asks_no_mirror() -> None:
    changed, tasks = provisioned("provision.yml")
    assert changed == 0
    assert tasks["Look which packages are there"] == "ok"
    assert tasks["Bring the package lists up to date"] == "skipped"


@pytest.mark.needs("root")
@pytest.mark.usefixtures("once")
def test_provisioning_can_be_checked_without_doing_it(tmp_path: Path) -> None:
    answer = ansible_playbook(tmp_path, "--check", "provision.yml")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "changed=0" in answer.stdout
