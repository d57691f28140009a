"""The runs of a night: each is named, planned, measured and published once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, TypeAlias

from lab.design import conduct, experiment, plan
from lab.design.experiment import Experiment
from lab.design.looks import Look
from lab.errors import LabError
from lab.fleet import inventory
from lab.fleet.progress import Event
from lab.history.runs import Role, publish
from lab.history.store import Store
from lab.nightly.config import Config
from lab.nightly.journal import Journal
from lab.store.folder import RunFolder, run_name
from lab.store.layout import MANIFEST, Document, rows_file
from lab.store.read import read_run


class Watcher(Protocol):
    """Shows how a run goes on."""

    def stage(self, totals: Mapping[str, int]) -> None: ...
    def looked(self, host: str, look: Look) -> None: ...
    def show(self, event: Event) -> None: ...


Show: TypeAlias = Callable[[str, Iterable[str]], AbstractContextManager[Watcher]]
"""Makes a watcher for a run, given its name and its hosts."""
Change: TypeAlias = Callable[[Document], Document]
"""Takes a plan and leaves in it what is wanted."""
Ask: TypeAlias = Callable[[Experiment], Experiment]


@dataclass(frozen=True)
class Task:
    """A run that a night makes.

    `name` tells it from the night's others, `path` is its experiment's file. What that asks may be
    changed by `ask`, and its plan by `reduce`; `prepare` is done before the first trial.
    """

    name: str
    path: Path
    role: Role
    ask: Ask = lambda question: question
    reduce: Change = lambda document: document
    prepare: Callable[[RunFolder], None] = lambda _: None


@dataclass(frozen=True)
class Runs:
    """Makes the runs of a night in the folder `results`, and publishes them in `store`."""

    config: Config
    store: Store
    results: Path
    journal: Journal
    show: Show

    def make(self, task: Task) -> Document:
        """Make a run, or what is left of it, and return what became of it.

        The answer has `run`, whether it was `measured`, the state and error of its `hosts`, and the
        `trouble` that kept it from being run as asked, or None. Raises StoreError
        when the store refuses.
        """
        once = self.journal.once
        run = once(f"name {task.name}", lambda: {"run": run_name(task.name, self.results)})["run"]
        result = once(f"run {task.name}", partial(self._conducted, task, run))
        return once(f"publish {task.name}", partial(self._published, result, task.role))

    def keep(self, name: str, role: Role) -> Document | None:
        """Publish what there is of a run that will not be gone on with; None without one."""
        if f"name {name}" not in self.journal:
            return None
        result = self._outcome(self.journal[f"name {name}"]["run"], None)
        return self.journal.once(f"publish {name}", partial(self._published, result, role))

    def _conducted(self, task: Task, run: str) -> Document:
        try:
            folder = self._opened(task, run)
            with folder.held():
                task.prepare(folder)
                self._conduct(folder)
        except LabError as error:
            return self._outcome(run, str(error))
        return self._outcome(run, None)

    def _opened(self, task: Task, run: str) -> RunFolder:
        """Open the run, planned now if it was not before."""
        path = self.results / run
        if (path / MANIFEST).is_file():
            return RunFolder(path)
        where, file = self.config.inventory, self.config.file
        hosts = inventory.hosts(where, file.hosts)
        document = plan.document(
            run,
            task.path.stem,
            task.ask(experiment.load(task.path)),
            hosts,
            inventory.tunings(where, hosts),
            inventory.rebooted(where, hosts),
        )
        return RunFolder.create(
            path,
            task.reduce(document),
            task.path.read_bytes(),
            ["kvmlab", *sys.argv[1:]],
            {"inventory": str(where.resolve()), "allow_foreign_vms": file.allow_foreign_vms},
        )

    def _conduct(self, folder: RunFolder) -> None:
        """Conduct what is left of a run; each host gets as many tries as the file says."""
        file = self.config.file
        try:
            for _ in range(file.tries):
                if not (hosts := folder.unfinished()):
                    return
                with self.show(folder.path.name, hosts) as watcher:
                    conduct.conduct(
                        folder,
                        self.config.inventory,
                        provision=file.provision,
                        allow_foreign_vms=file.allow_foreign_vms,
                        on_stage=watcher.stage,
                        on_look=watcher.looked,
                        on_progress=watcher.show,
                    )
        finally:
            folder.finish()

    def _outcome(self, run: str, trouble: str | None) -> Document:
        path = self.results / run
        hosts = RunFolder(path).manifest["hosts"] if (path / MANIFEST).is_file() else {}
        return {
            "run": run,
            "measured": any(rows_file(path, host).is_file() for host in hosts),
            "hosts": {
                host: {"state": entry["state"], "error": entry["error"]}
                for host, entry in hosts.items()
            },
            "trouble": trouble,
        }

    def _published(self, result: Document, role: Role) -> Document:
        if not result["measured"]:
            return result
        folder = self.results / result["run"]
        try:
            # A run that cannot be read would spoil every later look at the history.
            read_run(folder)
        except LabError as error:
            return {**result, "measured": False, "trouble": str(error)}
        publish(self.store, folder, self.journal.night, role)
        return result
