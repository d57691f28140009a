"""A run from stage to stage, with hosts that answer at once and controllers that die anywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.design import conduct, experiment, looks, plan
from lab.fleet import drive
from lab.fleet.drive import Outcome
from lab.fleet.progress import ignore
from lab.store.folder import RunFolder
from lab.store.listing import summaries
from lab.store.read import read_run
from tests import synthetic

QUESTION = """
analysis = "why"
seed = 1
blocks = 24
time_budget_s = 1000
aa = true
overhead = false
BOOTS
[knobs]
"vm.halt_poll_ns" = [0, 200_000]
[reference]
"vm.halt_poll_ns" = 200_000
[[workloads]]
name = "fixed-150us"
guest = "halt"
count = 50
interval = { kind = "fixed", ns = 150_000 }
STOP
"""
STOP = """
[stop]
width = WIDTH
metrics = ["cpu_ns_per_wakeup"]
min_blocks = 6
"""


class KilledError(Exception):
    """Stands for a kill -9 of the controller."""


class Hosts:
    """Hosts that hold their rows and boots; `kill_at` counts the calls left to the controller."""

    def __init__(self, destination: Path) -> None:
        self.destination = destination
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.boots: dict[str, int] = {}
        self.stages: list[dict[str, int]] = []
        self.reboots: list[str] = []
        self.kill_at = -1
        self.broken: set[str] = set()

    def _maybe_killed(self) -> None:
        self.kill_at -= 1
        if self.kill_at == 0:
            raise KilledError

    def execute(
        self, plans: Mapping[str, Any], *_: object, through: Mapping[str, int], **__: object
    ) -> dict[str, Outcome]:
        self.stages.append(dict(through))
        self._maybe_killed()
        outcomes = {}
        for host, sent in plans.items():
            if host in self.broken:
                outcomes[host] = Outcome("partial", "the agent was killed")
                continue
            rows = self.rows.setdefault(host, [])
            for trial in sent["trials"][len(rows) : through[host]]:
                rng = np.random.default_rng(trial["trial"])
                row = synthetic.measured(sent["run"], host, trial, rng)
                rows.append({**row, "boot_id": f"boot-{self.boots.get(host, 0)}"})
            synthetic.write_rows(self.destination, host, rows)
            outcomes[host] = Outcome("complete", None, {"hostname": host})
        self._maybe_killed()
        return outcomes

    def reboot(self, used: Mapping[str, list[str]], *_: object, **__: object) -> dict[str, Outcome]:
        for host, boots in used.items():
            if f"boot-{self.boots.get(host, 0)}" in boots:
                self.boots[host] = self.boots.get(host, 0) + 1
                self.reboots.append(host)
        self._maybe_killed()
        return {
            host: Outcome("unreachable", "it does not come back")
            if host in self.broken
            else Outcome("complete")
            for host in used
        }


class Bench:
    """A run folder, and hosts to conduct it on."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.monkeypatch = monkeypatch
        self.looks: list[tuple[str, looks.Look]] = []

    def ask(
        self,
        *hosts: str,
        width: float | None = None,
        boots: int = 1,
        rebooted: tuple[str, ...] = (),
    ) -> None:
        stop = STOP.replace("WIDTH", str(width)) if width else ""
        path = self.folder / "q.toml"
        text = QUESTION.replace("STOP", stop).replace("BOOTS", f"boots = {boots}")
        path.write_text(text)
        document = plan.document(
            "run", "q", experiment.load(path), list(hosts), rebooted=list(rebooted)
        )
        RunFolder.create(self.folder / "run", document, path.read_bytes(), ["kvmlab"], {})
        self.hosts = Hosts(self.folder / "run")
        self.monkeypatch.setattr(drive, "execute", self.hosts.execute)
        self.monkeypatch.setattr(drive, "reboot", self.hosts.reboot)

    def conduct(self) -> str:
        folder = RunFolder(self.folder / "run")
        conduct.conduct(
            folder,
            self.folder,
            provision=False,
            allow_foreign_vms=False,
            on_stage=lambda _: None,
            on_look=lambda host, look: self.looks.append((host, look)),
            on_progress=ignore,
        )
        return folder.finish()

    def entry(self, host: str) -> dict[str, Any]:
        manifest = json.loads((self.folder / "run" / "manifest.json").read_text())
        entry: dict[str, Any] = manifest["hosts"][host]
        return entry

    def trials(self, host: str) -> list[int]:
        return [row["trial"] for row in read_run(self.folder / "run").rows[host]]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_without_stop_and_boots_there_is_one_stage(bench: Bench) -> None:
    bench.ask("a", "b")
    assert bench.conduct() == "complete"
    assert bench.hosts.stages == [{"a": 73, "b": 73}]
    assert "looks" not in bench.entry("a")


def test_a_run_that_stops_early_is_complete_and_says_why(bench: Bench) -> None:
    bench.ask("a", width=3)
    assert bench.conduct() == "complete"
    assert bench.trials("a") == list(range(1 + 6 * 3))
    entry = bench.entry("a")
    assert entry["state"] == "complete"
    (look,) = entry["looks"]
    assert (look["blocks"], look["reason"], look["next"]) == (6, "width", None)
    assert look == json.loads(json.dumps(bench.looks[0][1].record()))


def test_a_host_goes_on_from_look_to_look(bench: Bench) -> None:
    bench.ask("a", width=1.0001)
    assert bench.conduct() == "complete"
    assert [look["blocks"] for look in bench.entry("a")["looks"]] == [6, 12, 24]
    assert bench.entry("a")["looks"][-1]["reason"] == "blocks"
    assert [stage["a"] for stage in bench.hosts.stages] == [1 + 3 * n for n in (6, 12, 24)]


@pytest.mark.parametrize("kill_at", range(1, 7))
def test_a_controller_killed_anywhere_loses_and_repeats_nothing(bench: Bench, kill_at: int) -> None:
    bench.ask("a", width=1.0001)
    bench.hosts.kill_at = kill_at
    with pytest.raises(KilledError):
        bench.conduct()
    assert bench.entry("a")["state"] != "complete"
    assert bench.conduct() == "complete"
    assert bench.trials("a") == list(range(1 + 24 * 3))
    looks = bench.entry("a")["looks"]
    assert [(look["blocks"], look["next"]) for look in looks] == [(6, 12), (12, 24), (24, None)]
    assert bench.entry("a")["facts"] == {"hostname": "a"}


def test_a_broken_host_stops_no_other_and_goes_on_later(bench: Bench) -> None:
    bench.ask("a", "b", width=1.0001)
    bench.hosts.broken = {"b"}
    assert bench.conduct() == "partial"
    assert (bench.entry("a")["state"], bench.entry("b")["state"]) == ("complete", "partial")
    bench.hosts.broken = set()
    assert bench.conduct() == "complete"
    assert bench.trials("a") == bench.trials("b") == list(range(1 + 24 * 3))
    assert len(bench.entry("a")["looks"]) == len(bench.entry("b")["looks"]) == 3


def boots(bench: Bench, host: str) -> list[set[str]]:
    """Return the boots that each planned group of blocks ran in."""
    rows = read_run(bench.folder / "run").rows[host]
    groups = sorted({row["boot_group"] for row in rows})
    return [{row["boot_id"] for row in rows if row["boot_group"] == group} for group in groups]


def test_each_group_has_a_boot_of_its_own_where_the_host_may_be_rebooted(bench: Bench) -> None:
    bench.ask("a", "b", boots=3, rebooted=("a",))
    assert bench.conduct() == "complete"
    assert boots(bench, "a") == [{"boot-0"}, {"boot-1"}, {"boot-2"}]
    assert boots(bench, "b") == [{"boot-0"}] * 3
    assert bench.hosts.reboots == ["a", "a"]
    # The other host ran at one go.
    assert [set(stage) for stage in bench.hosts.stages] == [{"a", "b"}, {"a"}, {"a"}]


@pytest.mark.parametrize("kill_at", range(1, 9))
def test_a_controller_killed_around_a_reboot_causes_no_further_one(
    bench: Bench, kill_at: int
) -> None:
    bench.ask("a", boots=3, rebooted=("a",))
    bench.hosts.kill_at = kill_at
    with pytest.raises(KilledError):
        bench.conduct()
    assert bench.conduct() == "complete"
    assert bench.hosts.reboots == ["a", "a"]
    assert boots(bench, "a") == [{"boot-0"}, {"boot-1"}, {"boot-2"}]
    assert bench.trials("a") == list(range(3 * (1 + 8 * 3)))


def test_looks_and_boots_go_together(bench: Bench) -> None:
    bench.ask("a", boots=2, width=1.0001, rebooted=("a",))
    assert bench.conduct() == "complete"
    assert len(boots(bench, "a")) == 8
    assert all(len(each) == 1 for each in boots(bench, "a"))
    assert [look["blocks"] for look in bench.entry("a")["looks"]] == [6, 12, 24]


def test_a_host_that_does_not_come_back_is_unreachable_and_the_run_partial(bench: Bench) -> None:
    bench.ask("a", "b", boots=2, rebooted=("a", "b"))
    original = bench.hosts.reboot

    def lost(used: Mapping[str, list[str]], *_: object, **__: object) -> dict[str, Outcome]:
        bench.hosts.broken = {"a"}
        return original(used)

    bench.monkeypatch.setattr(drive, "reboot", lost)
    assert bench.conduct() == "partial"
    assert bench.entry("a")["state"] == "unreachable"
    assert bench.entry("a")["error"] == "it does not come back"
    assert bench.entry("b")["state"] == "complete"


def test_a_list_of_runs_counts_the_trials_that_were_needed(bench: Bench) -> None:
    bench.ask("a", "b", width=3)
    assert bench.conduct() == "complete"
    (summary,) = summaries(bench.folder)
    assert summary.trials == 2 * (1 + 6 * 3)
