"""Private namespaces for building: what runs in them goes with whoever asked for it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.emulation import userns

pytestmark = pytest.mark.needs("root")


def descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [each for child in map(int, children) for each in (child, *descendants(child))]


def test_nothing_outlives_a_killed_parent() -> None:
    process = subprocess.Popen(
        [sys.executable, userns.__file__, json.dumps([]), "sh", "-c", "echo in; sleep 1000; true"],
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stdout.readline() == b"in\n"
    inside = descendants(process.pid)
    assert len(inside) >= 2, "the mapped child and process 1"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + 10
    while left := [pid for pid in inside if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
