"""The runs of a night: planned once under the name the journal has, measured to their end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from lab import conduct, experiment, plan
from lab.experiment import Experiment
from lab.fleet import inventory
from lab.fleet.progress import Event
from lab.nightly.config import Config
from lab.stages import Look
from lab.store.folder import RunFolder
from lab.store.layout import MANIFEST, Document, rows_file


class Watcher(Protocol):
    """Shows how a run goes on."""

    def stage(self, totals: Mapping[str, int]) -> None: ...
    def looked(self, host: str, look: Look) -> None: ...
    def show(self, event: Event) -> None: ...


Show: TypeAlias = Callable[[str, Iterable[str]], AbstractContextManager[Watcher]]
"""Makes a watcher for a run, given its name and its hosts."""
Planner: TypeAlias = Callable[[Experiment, list[str]], Document]
"""Makes plan.json for these hosts."""


def opened(config: Config, path: Path, folder: Path, planner: Planner) -> RunFolder:
    """Open the run in `folder`, planned now if it was not before.

    Raises UsageError for an experiment or an inventory that cannot be used.
    """
    if (folder / MANIFEST).is_file():
        return RunFolder(folder)
    question = experiment.load(path)
    hosts = inventory.hosts(config.inventory, config.file.hosts)
    options = {
        "inventory": str(config.inventory.resolve()),
        "allow_foreign_vms": config.file.allow_foreign_vms,
    }
    command = ["kvmlab", *sys.argv[1:]]
    return RunFolder.create(folder, planner(question, hosts), path.read_bytes(), command, options)


def document(
    config: Config, run: str, name: str, question: Experiment, hosts: list[str]
) -> Document:
    """Return plan.json of the experiment `name`, with what the inventory asks of these hosts."""
    where = config.inventory
    tunings, rebooted = inventory.tunings(where, hosts), inventory.rebooted(where, hosts)
    return plan.document(run, name, question, hosts, tunings, rebooted)


def measure(folder: RunFolder, config: Config, show: Show) -> None:
    """Conduct what is left of a run; each host gets so many tries as the configuration says.

    What became of each host is in the manifest. Raises as `lab.conduct.conduct` does.
    """
    with folder.held():
        for _ in range(config.file.tries):
            if not (hosts := folder.unfinished()):
                break
            with show(folder.path.name, hosts) as watcher:
                try:
                    conduct.conduct(
                        folder,
                        config.inventory,
                        provision=config.file.provision,
                        allow_foreign_vms=config.file.allow_foreign_vms,
                        on_stage=watcher.stage,
                        on_look=watcher.looked,
                        on_progress=watcher.show,
                    )
                finally:
                    folder.finish()
        folder.finish()


def outcome(folder: RunFolder) -> dict[str, Any]:
    """Return what became of a run: the state and error of each host, and whether it has rows."""
    hosts = folder.manifest["hosts"]
    return {
        "run": folder.path.name,
        "measured": any(rows_file(folder.path, host).is_file() for host in hosts),
        "hosts": {host: {key: hosts[host][key] for key in ("state", "error")} for host in hosts},
    }
