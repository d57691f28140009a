"""Running the VMM by itself: what it says, and why it cannot."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest


def run(
    vmm: Path, *options: object, go: str = "go\n", descriptors: Sequence[int] = ()
) -> subprocess.CompletedProcess[str]:
    command = [str(vmm), *map(str, options)]
    return subprocess.run(
        command,
        input=go,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        pass_fds=descriptors,
    )


def result(vmm: Path, *options: object, descriptors: Sequence[int] = ()) -> dict[str, Any]:
    done = run(vmm, *options, descriptors=descriptors)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    ready, measured = map(json.loads, done.stdout.splitlines())
    guest: dict[str, Any] = measured["result"]
    threads = [{"id": vcpu["id"], "tid": vcpu["tid"]} for vcpu in guest["vcpus"]]
    assert ready["ready"]["vcpus"] == threads
    return guest


def lacking(vmm: Path) -> dict[str, str | None]:
    """Return why each workload cannot be run here; None where it can."""
    described = json.loads(run(vmm, "--describe").stdout)["workloads"]
    return {name: ability["reason"] for name, ability in described.items()}


def skip_lacking(vmm: Path, workload: str) -> None:
    reason = lacking(vmm)[workload]
    if reason:
        pytest.skip(f"{workload}: {reason}")
