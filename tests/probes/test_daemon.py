"""What the daemon's state says when nobody is there any more to write it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from agent import daemon, run
from agent.process import boot_id
from agent.run import RunFolder


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    (tmp_path / "trials").mkdir()
    return RunFolder(tmp_path)


def test_who_runs_is_running(folder: RunFolder) -> None:
    folder.write_state(daemon.RUNNING, total=7)
    assert daemon.status(folder)["state"] == daemon.RUNNING


def test_who_was_killed_is_told_from_a_host_that_came_up_anew(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = os.fork()
    if not child:
        folder.write_state(daemon.RUNNING, total=7)
        os._exit(0)
    os.waitpid(child, 0)
    killed = daemon.status(folder)
    assert (killed["state"], killed["error"]) == ("interrupted", daemon.KILLED)

    # This very process: its number and its start are right, and another boot's all the same.
    monkeypatch.setattr(run, "boot_id", lambda: f"not {boot_id()}")
    folder.write_state(daemon.RUNNING, total=7)
    rebooted = daemon.status(folder)
    assert (rebooted["state"], rebooted["error"]) == ("interrupted", daemon.REBOOTED)
