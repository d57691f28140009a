"""A host for the agent to run on, in a folder of its own."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.paths import PROBES

PYTHON = "/usr/bin/python3"
PARAMETERS = {
    "halt_poll_ns": 200_000,
    "halt_poll_ns_grow": 2,
    "halt_poll_ns_grow_start": 10_000,
    "halt_poll_ns_shrink": 2,
}


class Host:
    """A host's folder, a sysfs of its own (the real one may be read-only), and the agent."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.home = home
        self.probes = home / "probes-test"
        if not self.probes.exists():
            shutil.copytree(PROBES, self.probes)
        self.sysfs = folder / "sys"
        parameters = self.sysfs / "module/kvm/parameters"
        parameters.mkdir(parents=True)
        for name, value in PARAMETERS.items():
            (parameters / name).write_text(f"{value}\n")
        self.parameter = parameters / "halt_poll_ns"
        self.run = home / "runs" / folder.name
        self.run.mkdir(parents=True)

    def agent(self, *words: str, check: bool = True) -> Any:
        answer = subprocess.run(
            [PYTHON, "-m", "agent", "--home", self.home, "--sysfs", self.sysfs, *words],
            cwd=self.probes,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if not check:
            return answer
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout)

    def plan(self, trials: list[dict[str, Any]], **changes: Any) -> None:
        numbered = [
            {"trial": i, "block": 0, "position": i, "warmup": False, "seed": i, **trial}
            for i, trial in enumerate(trials)
        ]
        plan = {
            "schema": 1,
            "run": self.run.name,
            "host": "test",
            "trials": numbered,
            "allow_foreign_vms": True,  # tests may run beside others
            "trial_timeout_s": 30,
            "time_budget_s": 100,
            **changes,
        }
        (self.run / "plan.json").write_text(json.dumps(plan))

    def start(self) -> int:
        return int(self.agent("start", "--run", str(self.run))["pid"])

    def status(self, *words: str) -> dict[str, Any]:
        state: dict[str, Any] = self.agent("status", "--run", str(self.run), *words)
        return state

    def end(self, patience_s: float = 60) -> dict[str, Any]:
        state = self.status("--wait", str(patience_s), "--since", "1000000")
        assert state["state"] != "running", state
        return state

    def rows(self) -> list[dict[str, Any]]:
        packed = self.agent("pack", "--run", str(self.run))
        lines = gzip.decompress(Path(packed["path"]).read_bytes()).splitlines()
        assert packed["rows"] == len(lines)
        return [json.loads(line) for line in lines]

    def until_written(self, value: int) -> None:
        """Wait until a trial has changed the host's parameter to `value`."""
        until(lambda: self.parameter.read_text() == f"{value}\n")

    def until_restored(self) -> None:
        until(lambda: not (self.home / "journal.json").exists())
        assert self.parameter.read_text() == f"{PARAMETERS['halt_poll_ns']}\n"


def until(condition: Callable[[], bool], patience_s: float = 30) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
