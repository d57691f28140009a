"""The writing side of a run folder: created whole, changed by renaming, never written over."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lab.errors import StoreError, UsageError
from lab.paths import ROOT
from lab.store.layout import SCHEMA
from lab.store.read import read_manifest, read_plan


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def write_atomic(path: Path, content: bytes) -> None:
    """Write `path` so that it is never seen half-written; StoreError when the disk refuses."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StoreError(
            f"{path} cannot be written ({error.strerror}): make room, or give another --results"
        ) from error


def write_json(path: Path, document: dict[str, Any]) -> None:
    write_atomic(path, json.dumps(document, indent=1).encode() + b"\n")


def run_name(experiment: str, results: Path) -> str:
    """Return a name for a new run that no run in `results` has."""
    stem = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{experiment}"
    name, number = stem, 1
    while (results / name).exists():
        number += 1
        name = f"{stem}-{number}"
    return name


def tool() -> dict[str, Any]:
    """Return the lab's version and the commit of this clone, if it is one."""

    def git(*words: str) -> str | None:
        try:
            answer = subprocess.run(
                # Nobody who commits meanwhile is to find the index locked.
                ["git", "--no-optional-locks", "-C", str(ROOT), *words],
                capture_output=True,
                text=True,
                check=False,
            )
        except FileNotFoundError:
            return None
        return answer.stdout.strip() if answer.returncode == 0 else None

    commit = git("rev-parse", "HEAD")
    return {
        "version": version("kvmlab"),
        "commit": commit,
        "dirty": bool(git("status", "--porcelain")) if commit else None,
    }


class RunFolder:
    """A run being made: its folder, its plan, its manifest."""

    def __init__(self, path: Path) -> None:
        """Open an existing run; UsageError when there is none, StoreError when it is broken."""
        self.path = path
        if not (path / "manifest.json").is_file():
            raise UsageError(f"there is no run {path.name} in {path.parent}: see `kvmlab list`")
        self.manifest = read_manifest(path)
        self.plan = read_plan(path)

    @classmethod
    def create(
        cls,
        path: Path,
        plan: dict[str, Any],
        experiment: bytes,
        command: list[str],
        options: dict[str, Any],
    ) -> RunFolder:
        """Make the folder with experiment, plan and manifest; it appears under its name when whole.

        `options` is what a resume needs to know again: inventory, allow_foreign_vms.
        Raises StoreError when the disk refuses.
        """
        building = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        manifest = {
            "schema": SCHEMA,
            "run": plan["run"],
            "created_at": now(),
            "finished_at": None,
            "command": command,
            "options": options,
            "tool": tool(),
            "experiment": plan["experiment"],
            "seed": plan["seed"],
            "state": "running",
            "hosts": {
                host: {"state": "planned", "error": None, "facts": None} for host in plan["hosts"]
            },
        }
        try:
            building.mkdir(parents=True)
        except OSError as error:
            raise StoreError(
                f"{path.parent} cannot hold a run ({error.strerror}): give --results another folder"
            ) from error
        write_atomic(building / "experiment.toml", experiment)
        write_json(building / "plan.json", plan)
        write_json(building / "manifest.json", manifest)
        try:
            building.rename(path)
        except OSError as error:
            shutil.rmtree(building)
            raise StoreError(
                f"another kvmlab began {path.name} in the same second: start this one again"
            ) from error
        return cls(path)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other controllers from driving this run; UsageError when one does."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                f"another kvmlab drives {self.path.name} now: wait for it to end"
            ) from error
        else:
            yield
        finally:
            os.close(descriptor)

    def unfinished(self) -> list[str]:
        """Return the hosts that do not have all their rows yet."""
        hosts = self.manifest["hosts"].items()
        return [host for host, entry in hosts if entry["state"] != "complete"]

    def host(self, name: str, state: str, error: str | None, facts: dict[str, Any] | None) -> None:
        """Record what became of a host."""
        entry = self.manifest["hosts"][name]
        entry.update(state=state, error=error, facts=facts or entry["facts"])
        self.save()

    def looked(self, name: str, look: dict[str, Any]) -> None:
        """Record what a look at a host's results found and decided (`lab.design.looks.Look`)."""
        self.manifest["hosts"][name].setdefault("looks", []).append(look)
        self.save()

    def finish(self) -> str:
        """Derive and record the run's state from its hosts': complete, partial or failed."""
        states = {entry["state"] for entry in self.manifest["hosts"].values()}
        if states == {"complete"}:
            state = "complete"
        elif states & {"complete", "partial", "running"}:
            state = "partial"
        else:
            state = "failed"
        self.manifest.update(state=state, finished_at=now())
        self.save()
        return state

    def save(self) -> None:
        write_json(self.path / "manifest.json", self.manifest)
