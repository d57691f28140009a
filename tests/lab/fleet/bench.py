"""Hosts to drive: this machine several times over, each with a home of its own."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROBES = Path(__file__).with_name("fake_probes")
RUN = "20261123-011500-fake"
VARIABLES = {
    "ansible_connection": "local",
    "ansible_become": False,
    "agent_poll_s": 1,
    "agent_reconnects": 1,
}
UNREACHABLE = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}


class Bench:
    """A folder with an inventory of local hosts, whose homes lie in it too."""

    def __init__(self, folder: Path, **hosts: dict[str, Any]) -> None:
        """Variables of a host go before those of all."""
        self.folder = folder
        self.inventory = folder / "inventory.yml"
        self.destination = folder / "results"
        self.destination.mkdir()
        entries = {
            host: {"kvmlab_home": str(self.home(host)), **own} for host, own in hosts.items()
        }
        document = {"all": {"vars": VARIABLES, "hosts": entries}}
        self.inventory.write_text(json.dumps(document))

    def home(self, host: str) -> Path:
        return self.folder / f"home-{host}"

    def run(self, host: str) -> Path:
        return self.home(host) / "runs" / RUN

    def processes(self) -> list[str]:
        """Return what still runs with this folder in its command line, this process excepted."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if str(self.folder) in words and int(process.name) != os.getpid():
                found.append(words)
        return found


def plan(fake: str = "complete", trials: int = 4) -> dict[str, Any]:
    return {
        "schema": 1,
        "run": RUN,
        "time_budget_s": 60,
        "trial_timeout_s": 10,
        "fake": fake,
        "trials": [{"trial": number} for number in range(trials)],
    }


def eventually(true: Callable[[], bool], seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
