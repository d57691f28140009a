"""A real Linux guest under nested KVM boots, answers every request, is seen, and leaves nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import crosscheck
from lab.errors import Exit
from tests.fleet.bench import FORCED, Emulated, Lab, until
from tests.fleet.conftest import Say

pytestmark = [
    pytest.mark.needs("fleet"),
    pytest.mark.skipif(not FORCED, reason="booted when KVMLAB_FORCE names fleet"),
]

QEMU = {"emu-arm64": "qemu-system-arm", "emu-x86": "qemu-system-x86"}
PRIME = 97
LONG = 100_000
HOME = "/var/lib/kvmlab"
QUESTION = """
analysis = "Does it count?"
seed = 23
blocks = 1
time_budget_s = 3600
trial_timeout_s = 600
probes = ["phases"]
overhead = false
[knobs]
"host.halt_poll_ns" = [200_000]
[reference]
"host.halt_poll_ns" = 200_000
"""
WORKLOAD = """
[[workloads]]
name = "linux-{protocol}"
guest = "qemu_rr"
count = {count}
protocol = "{protocol}"
interval = {{ kind = "fixed", ns = 10_000_000 }}
"""
# What is there of networks, by namespace: all of it.
NETWORKS = (
    "ip -json link; tc -json qdisc; ip netns;"
    "ls -l /proc/[0-9]*/ns/net | grep -o 'net:.*' | sort --unique"
)


@pytest.fixture(scope="module", params=QEMU)
def linux_host(request: pytest.FixtureRequest, say: Say) -> Iterator[Emulated]:
    host = Emulated(request.param, say, packages=(QEMU[request.param],))
    try:
        host.up()
        yield host
    finally:
        host.down()


def question(lab: Lab, count: int, *protocols: str) -> str:
    workloads = (WORKLOAD.format(protocol=each, count=count) for each in protocols)
    path = lab.folder / "linux.toml"
    path.write_text(QUESTION + "".join(workloads))
    return str(path)


@pytest.fixture(scope="module")
def rows(linux_host: Emulated, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    lab = Lab(tmp_path_factory.mktemp("linux"), there=linux_host.entry())
    ended = lab.kvmlab("run", question(lab, PRIME, "udp", "tcp"), "--no-provision")
    assert ended.status in {Exit.OK, Exit.INCONCLUSIVE}, ended.err
    return lab.rows("there")


def test_requests_sent_are_requests_answered(rows: list[dict[str, Any]]) -> None:
    # Each once to warm up.
    assert len(rows) == 2 * 2
    for row in rows:
        assert row["status"] == "ok", row["reason"]
        requests = row["guest"]["requests"]
        answered = row["guest"]["completed"]
        assert [requests["sent"], answered, requests["replies"]] == 3 * [PRIME]
        assert len(row["guest"]["round_trip_ns"]) == PRIME
        assert min(row["guest"]["round_trip_ns"]) > 0
        assert row["haltpoll"]["halts"] > 0


def test_phases_hold_all_the_time_of_a_vcpu(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        (vcpu,), (account,) = row["guest"]["vcpus"], row["phases"]["vcpus"]
        known = sum(account["phases"].values()) + account["unattributed_ns"]
        assert known == account["wall_ns"]
        # From the first reply on it certainly runs, and QEMU's words bracket all of it.
        least = sum(row["guest"]["round_trip_ns"][1:])
        assert least <= account["wall_ns"] <= vcpu["run_ns"]
        counts = [d for d in crosscheck.differences(row) if d.quantity.unit == "events"]
        assert counts
        assert not [each for each in counts if each.notable]


def test_the_guest_says_what_it_is(linux_host: Emulated, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        said = row["guest"]["linux"]
        assert said["kernel"] == linux_host.ssh("uname -r")
        assert said["cpus"] == 1
        assert said["boot_ns"] > 0


def test_it_is_observed_by_name_and_goes_with_a_killed_agent(
    linux_host: Emulated, tmp_path: Path
) -> None:
    lab = Lab(tmp_path, there=linux_host.entry())
    linux_host.ssh(f"rm -rf {HOME}/runs/*")
    before = linux_host.ssh(NETWORKS)
    process = lab.start("run", question(lab, LONG, "udp"), "--no-provision")
    # Booted: what serves is asked by a client.
    linux_host.ssh("until pgrep -f '[k]vmlab-guest.* --remote'; do sleep 1; done")
    seen = lab.kvmlab("observe", "there", "--json", "--count", "3", "--interval", "5")
    assert seen.status == Exit.OK, seen.err
    *_, last = map(json.loads, seen.out.splitlines())
    (vm,) = last["vms"]
    assert vm["name"] == "linux-udp"
    (vcpu,) = vm["vcpus"]
    assert (vcpu["vcpu"], vcpu["thread"]) == (0, "CPU 0/KVM")
    assert vcpu["account"]["exits"] > 0

    agent = linux_host.ssh(f"sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/' {HOME}/runs/*/state.json")
    linux_host.ssh(f"kill -9 {agent}")
    until(lambda: linux_host.ssh("pgrep -f '[g]uest=linux|[k]vmlab-guest' || echo none") == "none")
    assert linux_host.ssh(NETWORKS) == before
    assert lab.end(process).status == Exit.FAILURE
