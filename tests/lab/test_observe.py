"""`kvmlab observe` as a user calls it: real VMs, and every way to end it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.errors import Exit
from tests.lab.fleet.bench import eventually

pytestmark = [pytest.mark.needs("kvm", "bpf", "root")]

KVMLAB = Path(sys.executable).with_name("kvmlab")
GUEST = Path(__file__).parents[2] / "probes" / "guest"
PRIME = 97
INTERVAL_NS = 20_000_000


class Vm:
    """A VM that has not begun to run; `go` lets it halt `count` times."""

    def __init__(self, binary: Path, folder: Path, count: int) -> None:
        table = folder / f"{count}.intervals"
        table.write_text(f"{INTERVAL_NS}\n" * count)
        self.process = subprocess.Popen(
            [binary, "--workload", "halt", "--count", str(count), "--intervals", table,
             "--timeout", "600"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout
        self.pid = int(json.loads(self.process.stdout.readline())["ready"]["pid"])

    def go(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("go\n")
        self.process.stdin.flush()


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guest")
    subprocess.run(["make", "-s", "-C", GUEST, f"OUT={folder}"], check=True)
    return folder / "kvmlab-guest"


@pytest.fixture
def boot(binary: Path, tmp_path: Path) -> Iterator[Callable[[int], Vm]]:
    vms: list[Vm] = []

    def start(count: int) -> Vm:
        vms.append(Vm(binary, tmp_path, count))
        return vms[-1]

    yield start
    for vm in vms:
        vm.process.kill()
        vm.process.communicate()


class Observer:
    """A running `kvmlab observe --json`."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.process = subprocess.Popen(
            [KVMLAB, "observe", "local", "--json", *words],
            # What a killed controller leaves on its own machine goes with the test's folder.
            env={**os.environ, "TMPDIR": str(folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def next(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        document: dict[str, Any] = json.loads(line)
        return document


def daemons(pid: int) -> list[int]:
    """Return the pids of the daemons that were told to watch `pid`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if words[1:3] == ["-m", "agent"] and "observe" in words and str(pid) in words:
            found.append(int(process.name))
    return found


def programs() -> dict[str, list[str]]:
    """Return the ids of the eBPF programs that each process holds."""
    held: dict[str, list[str]] = {}
    for info in Path("/proc").glob("[0-9]*/fdinfo/*"):
        try:
            ids = re.findall(r"^prog_id:\s*(\d+)", info.read_text(), re.MULTILINE)
        except OSError:
            continue
        if ids:
            held.setdefault(info.parts[2], []).extend(ids)
    return held


def lab_mounts(pid: int | str = "self") -> list[str]:
    mounts = Path(f"/proc/{pid}/mounts").read_text().splitlines()
    return [line for line in mounts if line.startswith("kvmlab ")]


def halts(document: dict[str, Any], pid: int) -> int:
    return sum(
        vcpu["halts"]["halts"] for vm in document["vms"] if vm["pid"] == pid for vcpu in vm["vcpus"]
    )


def test_every_halt_of_two_vms_is_in_one_interval(
    boot: Callable[[int], Vm], tmp_path: Path
) -> None:
    short, long = boot(PRIME), boot(3 * PRIME)
    record = tmp_path / "record.jsonl"
    words = ("--pid", str(short.pid), "--pid", str(long.pid), "--interval", "0.7")
    observer = Observer(tmp_path, *words, "--record", str(record))
    documents = [observer.next()]
    assert {vm["pid"] for vm in documents[0]["vms"]} == {short.pid, long.pid}
    assert [vm["silent"] for vm in documents[0]["vms"]] == [1, 1]
    short.go()
    long.go()
    out, err = observer.process.communicate(timeout=300)
    # Both have ended, and there was nothing left to watch.
    assert observer.process.returncode == Exit.OK, err
    documents += [json.loads(line) for line in out.splitlines()]
    assert [document["interval"] for document in documents] == list(range(len(documents)))
    for vm, count in ((short, PRIME), (long, 3 * PRIME)):
        assert sum(halts(document, vm.pid) for document in documents) == count
        seen = [one for d in documents for one in d["vms"] if one["pid"] == vm.pid]
        assert [one["state"] for one in seen[:-1]] == ["running"] * (len(seen) - 1)
        assert seen[-1]["state"] == "ended"
        accounts = [vcpu["account"] for one in seen for vcpu in one["vcpus"]]
        assert {vcpu["vcpu"] for one in seen for vcpu in one["vcpus"]} == {0}
        for account in accounts:
            parts = sum(ns for ns in account["phases"].values() if ns is not None)
            assert account["wall_ns"] == parts + account["unattributed_ns"]
        # An interval of 20 ms is longer than any ceiling here: the silence of the window tells.
        assert sum(vcpu["halts"]["outcomes"]["unknown"]
                   for one in seen for vcpu in one["vcpus"]) <= count  # fmt: skip
    assert [json.loads(line) for line in record.read_text().splitlines()] == documents


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_however_it_ends_nothing_stays(
    boot: Callable[[int], Vm], tmp_path: Path, number: signal.Signals
) -> None:
    vm = boot(100 * PRIME)
    vm.go()
    observer = Observer(tmp_path, "--pid", str(vm.pid), "--interval", "0.5")
    observer.next()
    (daemon,) = daemons(vm.pid)
    ids = set(programs()[str(daemon)])
    assert ids
    assert lab_mounts(daemon)
    observer.process.send_signal(number)
    _, err = observer.process.communicate(timeout=120)
    if number == signal.SIGKILL:
        # It notices by itself that nobody asks.
        assert eventually(lambda: not daemons(vm.pid), 120)
    else:
        assert observer.process.returncode == Exit.INTERRUPTED, err
        assert "Traceback" not in err
    assert not daemons(vm.pid)
    assert not ids & {one for held in programs().values() for one in held}
    assert not lab_mounts()
    assert vm.process.poll() is None


def test_a_killed_daemon_leaves_nothing_and_is_said(
    boot: Callable[[int], Vm], tmp_path: Path
) -> None:
    vm = boot(100 * PRIME)
    vm.go()
    observer = Observer(tmp_path, "--pid", str(vm.pid), "--interval", "0.5")
    observer.next()
    (daemon,) = daemons(vm.pid)
    os.kill(daemon, signal.SIGKILL)
    _, err = observer.process.communicate(timeout=120)
    assert observer.process.returncode == Exit.FAILURE
    assert "the observer" in err
    assert "Traceback" not in err
    assert not lab_mounts()


def test_a_process_without_a_vm_is_one_sentence(tmp_path: Path) -> None:
    observer = Observer(tmp_path, "--pid", str(os.getpid()))
    _, err = observer.process.communicate(timeout=120)
    assert observer.process.returncode == Exit.FAILURE
    assert f"process {os.getpid()} is no VM" in err
    assert len(err.strip().splitlines()) == 1
