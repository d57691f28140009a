"""An emulated host and the lab driven against it as a user does: with the command."""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lab.emulation import Event, Failed, Finished, Host, Started, down, load_fleet, ssh_command, up
from lab.emulation.emulator.qmp import qmp
from lab.emulation.inventory import entry
from lab.emulation.keys import lab_keys
from lab.emulation.room import Room

NAMED = set(os.environ.get("KVMLAB_FORCE", "").split(","))
FORCED = bool({"fleet", "all"} & NAMED)
WHEN_FORCED = pytest.mark.skipif(not FORCED, reason="booted when KVMLAB_FORCE names fleet")
# Real Linux guests on three of the hosts: as long again.
LINUX = bool({"linux", "all"} & NAMED)
ALWAYS = "emu-arm64"
KVMLAB = Path(sys.executable).with_name("kvmlab")
# The archive of packages is away, or its index and its files do not agree (a mirror in between).
ARCHIVE = ("Failed to fetch", "resolv", "Could not connect")
# An emulated host on a busy machine.
PATIENCE_S = 1800.0
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}


class Emulated:
    """A host of the shipped fleet under a name and a port of its own, told about as it is made."""

    def __init__(
        self,
        like: str,
        say: Callable[[str], None],
        packages: tuple[str, ...] = (),
        cpus: int | None = None,
    ) -> None:
        host = load_fleet()[like]
        # A person may have the shipped fleet up.
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = host.port and free.getsockname()[1]
        # Another host than without packages: both may be up.
        name = "-".join(("test-run", like, *packages[:1]))
        self.host: Host = replace(
            host, name=name, port=port, packages=packages, cpus=cpus or host.cpus
        )
        self.like = like
        self._say = say

    def _tell(self, event: Event) -> None:
        match event:
            case Started(host, stage):
                self._say(f"{host}: {stage} …")
            case Finished(host, stage, seconds):
                self._say(f"{host}: {stage} {seconds:.0f} s")
            case Failed(host, error):
                self._say(f"{host}: {error}")

    def up(self) -> None:
        (outcome,) = up([self.host], self._tell)
        if not FORCED and any(words in str(outcome.error) for words in ARCHIVE):
            pytest.skip(str(outcome.error))
        assert outcome.error is None, outcome.error

    def down(self) -> None:
        down([self.host.name])

    def kill(self) -> None:
        process = Room(self.host.name).process()
        assert process
        process.stop(grace_s=0)

    def ssh(self, script: str) -> str:
        done = subprocess.run(
            ssh_command(self.host.name, (script,)),
            capture_output=True, text=True, check=False, timeout=PATIENCE_S,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Refuse every new connection: QEMU no longer forwards the port."""
        control = Room(self.host.name).control_socket
        rule = f"tcp:127.0.0.1:{self.host.port}"
        with qmp(control) as qemu:
            qemu.human(f"hostfwd_remove {rule}")
        try:
            yield
        finally:
            with qmp(control) as qemu:
                qemu.human(f"hostfwd_add {rule}-:22")

    def entry(self, **changes: Any) -> dict[str, Any]:
        return {**entry(self.host, lab_keys()), **changes}


class Ended(NamedTuple):
    status: int
    out: str
    err: str


QUESTION = """
analysis = "Does it count?"
seed = 23
blocks = {blocks}
time_budget_s = 1500
trial_timeout_s = 300
probes = ["{probes}"]
overhead = false
[knobs]
"vm.halt_poll_ns" = [0, 200_000]
[reference]
"vm.halt_poll_ns" = 200_000
"""
# Far apart, by the measure of a host that shares two processors with others: an interrupt that is
# there before the guest halts is no halt.
APART = 'interval = { kind = "fixed", ns = 100_000_000 }'
WORKLOADS = {
    **dict.fromkeys(("halt", "net_rr", "disk_rr"), APART),
    **dict.fromkeys(("exit", "userspace", "hypercall"), "batch = 101"),
}


class Lab:
    """A store, an inventory and an experiment of a test's own."""

    def __init__(self, folder: Path, **hosts: dict[str, Any]) -> None:
        self.folder = folder
        self.results = folder / "results"
        self.inventory = folder / "inventory.json"
        self.hosts(**hosts)

    def hosts(self, **hosts: dict[str, Any]) -> None:
        self.inventory.write_text(json.dumps({"all": {"hosts": hosts}}))

    def question(self, *guests: str, count: int, blocks: int = 1, probes: str = "halts") -> str:
        """Write an experiment with these guests and return its path."""
        tables = (
            f'[[workloads]]\nname = "{guest}"\nguest = "{guest}"\ncount = {count}\n'
            + WORKLOADS[guest]
            for guest in guests
        )
        path = self.folder / "q.toml"
        path.write_text(QUESTION.format(blocks=blocks, probes=probes) + "\n".join(tables) + "\n")
        return str(path)

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(KVMLAB), "--results", str(self.results), *words,
             *([] if "--resume" in words else ["--inventory", str(self.inventory)])],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def end(self, process: subprocess.Popen[str]) -> Ended:
        try:
            out, err = process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            # It ends what it started.
            process.terminate()
            process.wait()
            raise
        assert "Traceback" not in err, err
        return Ended(process.returncode, out, err)

    def kvmlab(self, *words: str) -> Ended:
        return self.end(self.start(*words))

    @property
    def run(self) -> Path:
        (run,) = (path.parent for path in self.results.glob("*/manifest.json"))
        return run

    def entry(self, host: str) -> dict[str, Any]:
        """Return what the manifest says of `host`."""
        entry: dict[str, Any] = json.loads((self.run / "manifest.json").read_text())["hosts"][host]
        return entry

    def rows(self, host: str) -> list[dict[str, Any]]:
        content = gzip.decompress((self.run / f"{host}.jsonl.gz").read_bytes())
        return [json.loads(line) for line in content.splitlines()]


def until(condition: Callable[[], Any], patience_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(1)
