"""A host's room: the files of one emulated host while it is up, below the cache."""

from __future__ import annotations

import json
import shutil
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.emulation.cache import locked
from lab.emulation.host import Clock, Host, Kernel
from lab.emulation.process import Process, marked
from lab.paths import cache_root


def fleet_home() -> Path:
    return cache_root() / "fleet"


@dataclass(frozen=True, slots=True)
class Facts:
    """What was seen on a host once it answered."""

    kernel: str
    flavour: str | None
    memory_mib: int


@dataclass(frozen=True, slots=True)
class Room:
    name: str

    @property
    def folder(self) -> Path:
        return fleet_home() / "hosts" / self.name

    @property
    def pid_file(self) -> Path:
        return self.folder / "pid.json"

    @property
    def console_log(self) -> Path:
        return self.folder / "console.log"

    @property
    def console_socket(self) -> Path:
        return self.folder / "console.sock"

    @property
    def control_socket(self) -> Path:
        return self.folder / "qmp.sock"

    @property
    def disk(self) -> Path:
        return self.folder / "disk.img"

    @property
    def emulator_log(self) -> Path:
        return self.folder / "emulator.log"

    @property
    def use_file(self) -> Path:
        """Locked shared by whoever uses the host; it may be paused while nobody does."""
        return self.folder / "use"

    @property
    def _host(self) -> Path:
        return self.folder / "host.json"

    @property
    def _facts(self) -> Path:
        return self.folder / "facts.json"

    def lock(self) -> AbstractContextManager[None]:
        """Keep other commands off this host. Raises FleetError when one is at work on it."""
        return locked(
            fleet_home() / "hosts" / f"{self.name}.lock",
            wait=False,
            refusal=f"Another kvmlab is starting or stopping {self.name}: wait until it is done.",
        )

    def open(self, host: Host) -> None:
        """Make the room, empty: nothing of an earlier run is left."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, mode=0o700)
        self.use_file.touch()
        told = asdict(host)
        self._host.write_text(json.dumps(told, default=str) + "\n")

    def host(self) -> Host | None:
        """Return what was asked for when this room was opened."""
        try:
            told = json.loads(self._host.read_text())
        except (OSError, ValueError):
            return None
        kernel = told.pop("kernel")
        debs, tree = (Path(deb) for deb in kernel.pop("debs")), kernel.pop("tree")
        clock, packages = Clock(told.pop("clock")), tuple(told.pop("packages", ()))
        choice = Kernel(**kernel, debs=tuple(debs), tree=Path(tree) if tree else None)
        return Host(**told, clock=clock, kernel=choice, packages=packages)

    def process(self) -> Process | None:
        """Return the emulator while it runs."""
        process = Process.load(self.pid_file)
        return process if process and process.alive else None

    @property
    def ready(self) -> bool:
        """Whether the host runs and has shown that its KVM works."""
        return self.facts() is not None and self.process() is not None

    def stop(self) -> bool:
        """Stop all that was started for this host, known or leaked; return whether any was.

        Namespaces go with the last process inside them. Logs stay.
        """
        known = self.process()
        if known:
            known.stop()
        leaked = marked(self.folder)
        for process in leaked:
            process.stop(grace_s=1.0)
        return bool(known or leaked)

    def clear(self) -> bool:
        """Stop what there is and remove the room; return whether there was anything."""
        seen = self.folder.exists()
        stopped = self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        return seen or stopped

    def write_facts(self, facts: Facts) -> None:
        self._facts.write_text(json.dumps(asdict(facts)) + "\n")

    def facts(self) -> Facts | None:
        with suppress(OSError, ValueError, TypeError):
            return Facts(**json.loads(self._facts.read_text()))
        return None


def rooms() -> list[Room]:
    """All rooms there are, also of hosts that no fleet file names any more."""
    return [Room(p.name) for p in sorted((fleet_home() / "hosts").glob("*")) if p.is_dir()]
