"""Function probes, on this machine and as it is: what is not visible says why."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

PROBES = Path(__file__).resolve().parents[2] / "probes"
EXITS = 23
SCRIPT = """
import json, sys
from contextlib import closing
from pathlib import Path
from agent import bpf, guest
from agent.functions import Functions
from agent.probe import Watched

home = Path(sys.argv[1])
binary = guest.build(home)
bpf.prepare(home)
options = ["--workload", "userspace", "--count", sys.argv[2], "--batch", "1"]
results = []
with closing(Functions()) as probe:
    probe.attach()
    for foreign in (False, True):
        with closing(guest.Vm(binary, options, 60)) as vm:
            probe.begin([Watched(1 if foreign else vm.ready["pid"], 0)])
            vm.run(probe.drain)
            (keys,) = probe.end().values()
            results.append(keys["functions"])
print(json.dumps(results))
"""

pytestmark = pytest.mark.needs("kvm", "bpf")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    answer = subprocess.run(
        ["/usr/bin/python3", "-c", SCRIPT, tmp_path_factory.mktemp("home"), str(EXITS)],
        cwd=PROBES,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    found: list[dict[str, Any]] = json.loads(answer.stdout)
    return found


def test_every_function_is_counted_or_says_why_not(results: list[dict[str, Any]]) -> None:
    rows = results[0]["functions"]
    assert {"kvm_vcpu_halt", "kvm_vcpu_block"} <= {row["function"] for row in rows}
    for row in rows:
        assert row["role"] in {"fpu", "halt"}
        if row["not_visible"]:
            assert row["not_visible"].startswith("because ")
            assert row["sum_ns"] is None
        else:
            assert row["kind"] in {"fentry", "kprobe"}
            assert sum(count for _, count in row["buckets"]) == row["count"]


def test_registers_are_switched_around_each_run(results: list[dict[str, Any]]) -> None:
    """Each exit to the VMM is a return from KVM_RUN: FPU loaded and put once for each."""
    fpu = results[0]["fpu_tracepoint"]
    if fpu is None:
        pytest.skip("this architecture has no tracepoint of FPU switches")
    assert fpu["load"] == fpu["put"]
    assert EXITS <= fpu["load"] <= EXITS + 6


def test_calls_of_other_processes_are_not_counted(results: list[dict[str, Any]]) -> None:
    assert all(row["count"] == 0 for row in results[1]["functions"])
    assert results[1]["fpu_tracepoint"] in (None, {"load": 0, "put": 0})
