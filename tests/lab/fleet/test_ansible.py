"""Playing a playbook: what Ansible sees, what ends it, and that nothing is left."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from lab.fleet.ansible import Ended, Event, Play, play
from tests.lab.fleet.bench import Bench, eventually


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, one={}, two={})


def a_play(bench: Bench, *tasks: dict[str, Any], timeout_s: float = 60, idle_s: float = 60) -> Play:
    playbook = bench.folder / "playbook.yml"
    playbook.write_text(
        json.dumps([{"hosts": "all", "gather_facts": False, "strategy": "free", "tasks": tasks}])
    )
    return Play(str(playbook), bench.inventory, ["one"], timeout_s, idle_s)


def sleeper(bench: Bench) -> dict[str, Any]:
    return {"command": {"argv": ["sh", "-c", f"sleep 60; : {bench.folder}"]}}


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith("kvmlab-")]


def test_ansible_sees_a_minimal_environment(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CLOUD_TOKEN", "hunter2")
    monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", "minimal")
    monkeypatch.setenv("ANSIBLE_HOST_KEY_CHECKING", "False")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    events: list[Event] = []
    ended = play(a_play(bench, {"command": {"cmd": "env"}}), events.append)
    (environment,) = (
        event["event_data"]["res"]["stdout"] for event in events if event["event"] == "runner_on_ok"
    )
    assert ended.status == "successful"
    assert {line.partition("=")[0] for line in environment.splitlines()} <= {
        *("PATH", "HOME", "TMPDIR", "LC_ALL", "PWD", "OLDPWD", "SSH_AUTH_SOCK", "SSH_AGENT_PID"),
        *("KRB5CCNAME", "ANSIBLE_CONFIG", "ANSIBLE_HOME", "ANSIBLE_NOCOLOR", "LC_CTYPE", "_"),
        *("AWX_ISOLATED_DATA_DIR", "ANSIBLE_CALLBACK_PLUGINS", "ANSIBLE_STDOUT_CALLBACK"),
        *("RUNNER_OMIT_EVENTS", "RUNNER_ONLY_FAILED_EVENTS", "SHLVL", "LANG", "LANGUAGE"),
        *("LC_MESSAGES", "ANSIBLE_VAULT_PASSWORD_FILE", "ANSIBLE_VAULT_IDENTITY_LIST"),
    }
    assert not leftovers(tmp_path)


@pytest.mark.parametrize("limits", [{"timeout_s": 3.0}, {"idle_s": 3.0}])
def test_a_time_out_ends_ansible_and_what_it_started(
    bench: Bench, limits: dict[str, float], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert play(a_play(bench, sleeper(bench), **limits), lambda _: None).status == "timeout"
    assert eventually(lambda: not bench.processes(), 5), bench.processes()
    assert not leftovers(tmp_path)


def test_cancelling_ends_ansible_and_what_it_started(bench: Bench) -> None:
    cancel = threading.Event()
    ended: list[Ended] = []
    thread = threading.Thread(
        target=lambda: ended.append(
            play(a_play(bench, sleeper(bench)), lambda _: None, cancel=cancel)
        )
    )
    thread.start()
    asleep = eventually(lambda: any("sh -c sleep" in line for line in bench.processes()))
    began = time.monotonic()
    cancel.set()
    thread.join()
    assert asleep
    assert ended[0].status in {"canceled", "failed"}
    assert time.monotonic() - began < 15
    assert not bench.processes()


def test_a_listener_that_breaks_ends_ansible_too(bench: Bench) -> None:
    def listener(event: Event) -> None:
        if event["event"] == "runner_on_start":
            raise RuntimeError("the listener broke")

    with pytest.raises(RuntimeError, match="the listener broke"):
        play(a_play(bench, sleeper(bench)), listener)
    assert eventually(lambda: not bench.processes(), 5), bench.processes()


def test_what_keeps_ansible_from_starting_is_told(bench: Bench) -> None:
    what = a_play(bench, {"no_such_module_anywhere": {}})
    ended = play(what, lambda _: None)
    assert ended.status == "failed"
    assert "no_such_module_anywhere" in ended.verbose
