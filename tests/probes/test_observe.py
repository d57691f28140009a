"""Observing on the host: who is a VM, and what is told to whoever asks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from agent import observe, vms
from agent.errors import AgentError, UnsupportedError
from agent.observe import DesertedError, Folder, Task
from agent.phases import Sample


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.create()
    made.write_state("running")
    return made


def numbers(answer: dict[str, Any]) -> list[int]:
    return [interval["interval"] for interval in answer["intervals"]]


def test_the_last_answer_is_given_once_more_and_then_dropped(
    folder: Folder, tmp_path: Path
) -> None:
    folder.add({"interval": 0})
    folder.add({"interval": 1})
    assert numbers(observe.ask(tmp_path, 0)) == [0, 1]
    folder.add({"interval": 2})
    assert numbers(observe.ask(tmp_path, 0)) == [0, 1, 2]
    folder.add({"interval": 3})
    assert numbers(observe.ask(tmp_path, 0)) == [2, 3]
    assert len(list(folder.path.glob("*.told"))) == 1


def test_an_end_is_told_at_once(folder: Folder, tmp_path: Path) -> None:
    folder.write_state("unsupported", "no tracepoints")
    answer = observe.ask(tmp_path, 60)
    assert (answer["state"], answer["error"]) == ("unsupported", "no tracepoints")


def test_where_no_observer_is_nothing_is_written(tmp_path: Path) -> None:
    assert observe.ask(tmp_path, 60)["state"] == "absent"
    assert not list(tmp_path.iterdir())


def test_without_an_audience_it_leaves(folder: Folder) -> None:
    audience = observe._Audience(folder, 0.0)
    with pytest.raises(DesertedError):
        audience.wait(float("inf"))


def test_a_pid_that_is_no_vm_is_refused(tmp_path: Path) -> None:
    task = Task(1.0, [os.getpid()], 0, wait=False)
    with pytest.raises(AgentError, match=f"process {os.getpid()} is no VM"):
        observe.start(tmp_path, task)
    with pytest.raises(AgentError, match="no process has the pid 4194305"):
        observe.start(tmp_path, Task(1.0, [4194305], 0, wait=False))


def test_a_host_without_vms_is_unsupported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vms, "foreign_vms", list)
    with pytest.raises(UnsupportedError, match="no VM runs on this host"):
        observe.start(tmp_path, Task(1.0, [], 0, wait=False))


@pytest.mark.parametrize(
    ("cmdline", "name"),
    [
        ("qemu\0-name\0guest=web1,debug-threads=on\0", "web1"),
        ("qemu\0-m\01G\0-name\0web2\0", "web2"),
        ("qemu\0-name\0web3,process=p\0", "web3"),
        ("firecracker\0--id\0x\0", "comm"),
    ],
)
def test_a_vm_is_called_what_qemu_was_told(
    cmdline: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {"/proc/1/cmdline": cmdline, "/proc/1/comm": "comm"}
    monkeypatch.setattr(vms, "read_text", lambda path: texts[str(path)])
    assert vms._name(1) == name


def test_only_qemus_own_name_of_a_thread_tells_its_vcpu() -> None:
    assert vms.vcpu_by_name("CPU 10/KVM") == 10
    assert [vms.vcpu_by_name(name) for name in ("CPU 1/TCG", "worker CPU 1/KVM", None)] == [
        None
    ] * 3


def test_the_difference_of_samples_has_only_what_is_new() -> None:
    early, late = Sample({1: (2, 20), 5: (1, 9)}), Sample({1: (5, 50), 5: (1, 9), 7: (1, 3)})
    assert late.less(early) == Sample({1: (3, 30), 7: (1, 3)})
