"""A lab without hosts: agents that answer at once, whose trials and faults lie in a folder.

What would live on a host outlives the controller that is killed: the rows that were measured, the
boot, and a ledger with a line for each trial that ever ran.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.alerts.config import AlertsTable
from lab.alerts.words import Message
from lab.fleet import drive, inventory
from lab.fleet.drive import Outcome
from lab.nightly import config, nights
from lab.nightly.model import Verdict
from tests import synthetic

METRIC = "wakeup_p50_ns"
NUMBER = "number"
FIRST = date(2026, 1, 1)
EXPERIMENT = """
analysis = "Does the night hold?"
seed = 1
blocks = 6
time_budget_s = 1000
overhead = false
[knobs]
"vm.halt_poll_ns" = [0, 200_000]
[reference]
"vm.halt_poll_ns" = 200_000
[[workloads]]
name = "fixed-150us"
guest = "halt"
count = 20
interval = { kind = "fixed", ns = 150_000 }
"""
CONFIG = f"""
store = "store"
state = "state"
experiments = ["question.toml"]
metrics = ["{METRIC}"]
provision = false
tries = 2
[judge]
minimum_effect = 0.05
[confirm]
blocks = 8
"""


class Quiet:
    """Watches a run without a word."""

    def stage(self, totals: Mapping[str, int]) -> None: ...
    def looked(self, host: str, look: Any) -> None: ...
    def show(self, event: Any) -> None: ...


@dataclass
class Post:
    """A sink that writes what it is told at the end of a file."""

    path: Path
    name: str = "post"

    def tell(self, message: Message) -> None:
        with self.path.open("a") as file:
            file.write(message.title + "\n")


class World:
    """A configuration, its store and its hosts, all in one folder."""

    def __init__(self, folder: Path, hosts: Sequence[str] = ("a",)) -> None:
        self.folder = folder
        # What happens to the world between what a night measures and what it runs again.
        self.before_repeating: dict[str, Any] = {}
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "night.toml").exists():
            (folder / "night.toml").write_text(CONFIG)
            (folder / "question.toml").write_text(EXPERIMENT)
            self.change(hosts=list(hosts), factor=1.0, faults={}, reboot=[])

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.folder / "world.json").read_text())
        return state

    def change(self, **news: Any) -> None:
        """Alter the world: `hosts`, `factor` of all latencies, `faults` by host, `reboot`."""
        path = self.folder / "world.json"
        old = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps(old | news))

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put these hosts in the place of the fleet, and the post in that of all sinks."""
        monkeypatch.setenv("XDG_CACHE_HOME", str(self.folder / "cache"))
        monkeypatch.setattr(inventory, "hosts", lambda *_: self.state["hosts"])
        monkeypatch.setattr(inventory, "tunings", lambda *_: {})
        monkeypatch.setattr(inventory, "rebooted", lambda *_: self.state["reboot"])
        monkeypatch.setattr(drive, "execute", self.execute)
        monkeypatch.setattr(drive, "reboot", self.reboot)
        monkeypatch.setattr(AlertsTable, "make", lambda *_: [Post(self.folder / "sent")])

    def night(self, number: int) -> Verdict:
        """Go through the night of a date."""
        return nights.run(
            config.load(self.folder / "night.toml"),
            self.folder / "results",
            FIRST + timedelta(days=number),
            lambda _name, _hosts: nullcontext(Quiet()),
        )

    @property
    def ledger(self) -> list[str]:
        path = self.folder / "ledger"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def sent(self) -> list[str]:
        path = self.folder / "sent"
        return path.read_text().splitlines() if path.exists() else []

    def execute(
        self,
        plans: Mapping[str, Any],
        destination: Path,
        *_: object,
        through: Mapping[str, int],
        **__: object,
    ) -> dict[str, Outcome]:
        if destination.name.endswith("-again"):
            self.change(**self.before_repeating)
        return {
            host: self._agent(host, plan, destination, through[host])
            for host, plan in plans.items()
        }

    def _agent(self, host: str, plan: Mapping[str, Any], destination: Path, last: int) -> Outcome:
        fault = self.state["faults"].get(host)
        if fault in {"unsupported", "unreachable"}:
            return Outcome(fault, f"the fake is {fault}")
        home = self.folder / "hosts" / host / plan["run"]
        if not home.exists():
            # Runs are told apart by their order, not by their names: these hold the time of day.
            earlier = len(list(home.parent.glob("*")))
            home.mkdir(parents=True)
            (home / NUMBER).write_text(str(earlier))
        for trial in plan["trials"][:last]:
            row = home / f"{trial['trial']:06d}.json"
            if not row.exists():
                self.trial(host, plan["run"], trial, row)
        rows = [json.loads(path.read_text()) for path in sorted(home.glob("*.json"))]
        synthetic.write_rows(destination, host, rows)
        return Outcome("complete", None, self.facts(host))

    def trial(self, host: str, run: str, trial: dict[str, Any], row: Path) -> None:
        """Run a trial: on its host it goes on whatever becomes of the controller."""
        seed = [int((row.parent / NUMBER).read_text()), *host.encode(), trial["trial"]]
        measured = synthetic.measured(run, host, trial, np.random.default_rng(seed))
        guest = measured["guest"]
        guest["latency_ns"] = [int(ns * self.state["factor"]) for ns in guest["latency_ns"]]
        with (self.folder / "ledger").open("a") as ledger:
            ledger.write(f"{run} {host} {trial['trial']}\n")
        row.write_text(json.dumps({**measured, "boot_id": f"boot-{self.boots(host)}"}))

    def facts(self, host: str) -> dict[str, Any]:
        return {**synthetic.host_facts(host, "hardware"), **self.state.get("facts", {})}

    def boots(self, host: str) -> int:
        return int(self.state.get(f"boots {host}", 0))

    def reboot(self, used: Mapping[str, list[str]], *_: object, **__: object) -> dict[str, Outcome]:
        for host, boots in used.items():
            if f"boot-{self.boots(host)}" in boots:
                self.change(**{f"boots {host}": self.boots(host) + 1})
        return {host: Outcome("complete") for host in used}


def twice(lines: Iterable[str]) -> set[str]:
    seen = list(lines)
    return {line for line in seen if seen.count(line) > 1}
