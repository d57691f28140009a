"""Hosts to drive: this machine several times over, each with a home of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROBES = Path(__file__).with_name("fake_probes")
RUN = "20261123-011500-fake"
SECRET = "hunter2-secret"  # noqa: S105

Inventory = Callable[..., Path]


@pytest.fixture(scope="session")
def probes() -> Path:
    return PROBES


def plan(mode: str = "complete", trials: int = 4, run: str = RUN) -> dict[str, Any]:
    return {
        "schema": 1,
        "run": run,
        "time_budget_s": 60,
        "trial_timeout_s": 10,
        "fake": mode,
        "trials": [{"trial": number} for number in range(trials)],
    }


def write_inventory(folder: Path, **hosts: dict[str, Any]) -> Path:
    """Write an inventory of local hosts whose homes lie in `folder`; variables may say otherwise."""
    document = {
        "all": {
            "vars": {
                "ansible_connection": "local",
                "ansible_become": False,
                "agent_poll_s": 1,
                "agent_reconnects": 1,
            },
            "hosts": {
                host: {"kvmlab_home": str(folder / f"home-{host}"), **variables}
                for host, variables in hosts.items()
            },
        }
    }
    path = folder / "inventory.yml"
    path.write_text(json.dumps(document))
    return path


def ansible_processes(needle: str) -> list[str]:
    """Return the command lines of all processes that have `needle` in theirs or their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            seen = (process / "cmdline").read_bytes() + b"\0" + (process / "environ").read_bytes()
        except OSError:
            continue
        if needle.encode() in seen:
            found.append(seen.split(b"\0\0")[0].replace(b"\0", b" ").decode())
    return found


def eventually(true: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
