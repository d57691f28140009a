"""Other tools that watch the same VM on an x86 host count the exits the probe counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from lab.emulation import ssh_command
from tests.benchmarks import probe_cost
from tests.fleet.bench import WHEN_FORCED, Emulated

PRIME = 1009
EXITS = ["--workload", "exit", "--count", str(PRIME), "--batch", "1"]
CPUID = {"cpuid", "CPUID"}
TOOLS = ("bpfcc-tools", "bpftrace", "linux-perf")


@dataclass(frozen=True)
class Place:
    """Where to run: the words that start a shell there, and what refuses although installed."""

    shell: list[str]
    refuses: str = ""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("here", marks=pytest.mark.needs("kvm", "bpf", "root")),
        pytest.param(
            "emu-x86",
            marks=[pytest.mark.needs("fleet"), WHEN_FORCED],
        ),
    ],
)
def place(request: pytest.FixtureRequest, say: Callable[[str], None]) -> Iterator[Place]:
    if request.param == "here":
        yield Place([])
        return
    host = Emulated(request.param, say, packages=TOOLS)
    try:
        host.up()
        # kvmexit asks /proc/cpuinfo for an Intel processor; this host has SVM.
        yield Place(ssh_command(host.host.name), refuses="kvmexit")
    finally:
        host.down()


@pytest.mark.parametrize("peer", ["perf", "bpftrace", "kvmexit"])
def test_a_tool_on_the_same_run_counts_the_same_exits(place: Place, peer: str) -> None:
    runs = [{"arms": ["phases", peer], "options": EXITS}]
    _about, row = probe_cost.measure(place.shell, runs)
    if "refused" in row:
        if place.shell:
            assert peer == place.refuses, row["refused"]
        pytest.skip(row["refused"])
    told, seen = row["counts"]["phases"], row["counts"][peer]
    if not told:
        pytest.skip("this KVM traces no exits: kvm_exit stays silent")
    if peer == "bpftrace":
        seen = {row["exits"][code]: count for code, count in seen.items()}
    (exit_,) = CPUID & set(told)
    assert told[exit_] == seen[exit_] == PRIME
    # perf counts from an exit to the next entry, and the last one has none.
    assert set(seen) == set(told)
    assert all(0 <= told[name] - seen[name] <= (peer == "perf") for name in told)
