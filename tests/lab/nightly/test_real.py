"""A busy neighbour on real KVM: found by the nights, confirmed, told, acknowledged and closed.

What came before are made-up nights: one that was measured, with some scatter. They have a store of
their own.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from lab import alerts
from lab.alerts import Book, State
from lab.errors import Exit
from lab.history.runs import publish, published
from lab.history.store import Store

pytestmark = [pytest.mark.needs("kvm", "bpf", "root")]

KVMLAB = Path(sys.executable).with_name("kvmlab")
FIRST = date(2026, 1, 1)
BEFORE = 12
QUESTION = """
analysis = "How soon does a guest wake up?"
seed = 7
blocks = 6
time_budget_s = 120
overhead = false
[[workloads]]
name = "fixed-300us"
guest = "halt"
count = 101
interval = { kind = "fixed", ns = 300_000 }
"""
CONFIG = """
store = "store"
kind = "synthetic"
state = "state"
inventory = "hosts.json"
experiments = ["q.toml"]
metrics = ["wakeup_p50_ns"]
provision = false
allow_foreign_vms = true
[judge]
minimum_effect = 0.5
[confirm]
blocks = 6
[[alerts.sinks]]
kind = "json"
path = "alerts.json"
"""
# Before everything else on that CPU, and pauses for less than the guest's interval: nearly every
# wake-up falls into its time. Less than all of it: the kernel throttles real-time tasks at 95 %.
NEIGHBOUR = """
import os, sys, time
os.sched_setaffinity(0, {int(sys.argv[1])})
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
print(flush=True)
while True:
    end = time.monotonic() + 0.001
    while time.monotonic() < end:
        pass
    time.sleep(0.0001)
"""


class Nights:
    """A folder with a configuration for this machine, and twelve nights in its store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        host = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "/usr/bin/python3",
            "kvmlab_home": str(folder / "home"),
        }
        (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": {"here": host}}}))
        (folder / "q.toml").write_text(QUESTION)
        (folder / "night.toml").write_text(CONFIG)
        self.store = Store.make(str(folder / "store"), "synthetic", folder / "cache")
        self._make_up()

    def kvmlab(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [KVMLAB, "--results", self.folder / "results", *words],
            cwd=self.folder,
            env={**os.environ, "XDG_CACHE_HOME": str(self.folder / "cache")},
            capture_output=True,
            text=True,
            check=False,
        )

    def night(self, number: int) -> tuple[int, str]:
        said = self.kvmlab("nightly", "night.toml", "--night", str(FIRST + timedelta(number)))
        assert "Traceback" not in said.stderr, said.stderr
        return said.returncode, said.stdout + said.stderr

    def _make_up(self) -> None:
        """Measure once, and make nights of it that differ a little."""
        options = ["--inventory", "hosts.json", "--no-provision", "--allow-foreign-vms"]
        said = self.kvmlab("run", "q.toml", *options)
        assert said.returncode == Exit.OK, said.stderr
        (measured,) = (self.folder / "results").glob("2*")
        manifest = json.loads((measured / "manifest.json").read_text())
        self.cpu = manifest["hosts"]["here"]["facts"]["cpus"]["vcpu"]
        rng = np.random.default_rng(1)
        for number in range(BEFORE):
            at = datetime.now(UTC) - timedelta(days=BEFORE - number)
            run = self.folder / "made-up" / f"{at:%Y%m%d-%H%M%S}-q"
            shutil.copytree(measured, run)
            manifest["created_at"] = at.isoformat()
            (run / "manifest.json").write_text(json.dumps(manifest))
            factor = rng.lognormal(0, 0.1)
            rows = gzip.decompress((run / "here.jsonl.gz").read_bytes()).splitlines()
            with gzip.open(run / "here.jsonl.gz", "wt") as file:
                for row in map(json.loads, rows):
                    guest = row["guest"]
                    guest["latency_ns"] = [int(ns * factor) for ns in guest["latency_ns"]]
                    file.write(json.dumps(row) + "\n")
            publish(self.store, run, str(FIRST + timedelta(number)))

    @contextmanager
    def neighbour(self) -> Iterator[None]:
        command = [sys.executable, "-c", NEIGHBOUR, str(self.cpu)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            try:
                yield
            finally:
                process.kill()


def test_a_busy_neighbour_is_found_confirmed_told_acknowledged_and_closed(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    status, said = nights.night(BEFORE)
    assert status == Exit.OK, f"an A/A night stays silent: {said}"
    with nights.neighbour():
        # How far off it is decides which of the two nights is told; the alert stands on both.
        nights.night(BEFORE + 1)
        status, said = nights.night(BEFORE + 2)
    assert status == Exit.REGRESSION, said
    (alert,) = Book.read(nights.store).active
    assert alert.state is State.CONFIRMED
    assert alert.since == str(FIRST + timedelta(BEFORE + 1))
    assert alert.changes[0].low > 1.5
    assert [run.role for run in published(nights.store)].count("confirm") == 1
    assert alert.id in (tmp_path / "alerts.json").read_text()
    until = datetime.now(UTC) + timedelta(days=7)
    alerts.acknowledge(nights.store, alert.id, by="me", reason="it is mine", until=until)
    for number in (BEFORE + 3, BEFORE + 4):
        status, said = nights.night(number)
        assert status == Exit.OK, said
    assert Book.read(nights.store).active == []
    (ended,) = Book.read(nights.store).alerts.values()
    assert ended.resolution is not None
    assert ended.resolution.how == "recovered"
