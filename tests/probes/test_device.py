"""Requests that a device brings the guest: every one is counted by all, and a lost one is seen."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from agent.errors import MissingError
from agent.network import Network

from tests.probes.vmm import result, run, skip_lacking

REQUESTS = 97
MANY = 1009
BURST = 11
INTERVAL_NS = 200_000

VARIANTS: dict[str, tuple[str, *tuple[object, ...]]] = {
    "udp": ("net_rr",),
    "tcp": ("net_rr", "--tcp"),
    "udp, open": ("net_rr", "--open"),
    "tcp, open": ("net_rr", "--tcp", "--open"),
    "bursts": ("net_stream", "--burst", BURST),
    "bursts, open": ("net_stream", "--burst", BURST, "--open", "--tcp"),
    "disk": ("disk_rr",),
}

pytestmark = pytest.mark.needs("kvm")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "intervals"
    path.write_text(f"{INTERVAL_NS}\n" * REQUESTS)
    return path


def served(vmm: Path, table: Path, workload: str, *options: object) -> dict[str, Any]:
    skip_lacking(vmm, workload)
    return result(vmm, "--workload", workload, "--count", REQUESTS, "--intervals", table, *options)


@pytest.mark.parametrize("variant", VARIANTS)
def test_requests_interrupts_wakeups_and_replies_are_the_same_number(
    vmm: Path, table: Path, variant: str
) -> None:
    guest = served(vmm, table, *VARIANTS[variant])
    requests = guest["requests"]
    counted = [requests[name] for name in ("sent", "interrupts", "replies")]
    assert [*counted, guest["completed"], guest["count"]] == 5 * [REQUESTS]
    assert [requests[name] for name in ("lost", "strange")] == [0, 0]
    assert len(guest["latency_ns"]) == len(guest["round_trip_ns"]) == REQUESTS


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_wakeup_is_part_of_its_round_trip(vmm: Path, table: Path, variant: str) -> None:
    guest = served(vmm, table, *VARIANTS[variant])
    slack = guest["latency_error_ns"]
    assert min(guest["latency_ns"]) >= -slack
    assert sum(guest["latency_ns"]) <= sum(guest["round_trip_ns"]) + REQUESTS * slack
    assert max(guest["round_trip_ns"]) < guest["wall_ns"]


def test_halts_are_requests_less_those_that_came_too_early(vmm: Path, table: Path) -> None:
    [vcpu] = served(vmm, table, "net_rr")["stats"]["vcpu"]
    if "halt_exits" not in vcpu:
        pytest.skip("this KVM does not count halts that trap")
    assert vcpu["halt_exits"] == REQUESTS


@pytest.mark.parametrize("workload", ["net_rr", "disk_rr"])
def test_other_vcpus_tick_and_halts_of_each_are_its_own(
    vmm: Path, table: Path, workload: str
) -> None:
    guest = served(vmm, table, workload, "--vcpus", 3, "--tick", 1_000_000)
    assert guest["completed"] == guest["requests"]["interrupts"] == REQUESTS
    first, *others = guest["vcpus"]
    assert "ticks" not in first
    assert len(others) == 2
    assert all(vcpu["ticks"] > 1 and vcpu["cpu_ns"] > 0 for vcpu in others)
    counted = [vcpu.get("halt_exits") for vcpu in guest["stats"]["vcpu"]]
    if None not in counted:
        assert counted == [REQUESTS, *(vcpu["ticks"] for vcpu in others)]


def test_a_disk_takes_the_time_it_is_told(vmm: Path, table: Path) -> None:
    guest = served(vmm, table, "disk_rr")
    assert min(guest["round_trip_ns"]) >= INTERVAL_NS
    assert guest["wall_ns"] >= REQUESTS * INTERVAL_NS


def test_an_open_loop_counts_from_when_requests_were_due(vmm: Path, tmp_path: Path) -> None:
    table = tmp_path / "at-once"
    table.write_text("1\n" * REQUESTS)
    guest = served(vmm, table, "net_rr", "--open")
    # All were due at the beginning, and there is one guest: the last waited for all others.
    assert guest["round_trip_ns"][-1] > sum(guest["latency_ns"])
    assert guest["round_trip_ns"][-1] > 2 * guest["round_trip_ns"][0]
    assert len(guest["send_late_ns"]) == REQUESTS
    assert min(guest["send_late_ns"]) >= 0


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--burst", 2), "--burst belongs to --workload net_stream"),
        (("--batch", 2), "--batch does not belong to --workload net_rr"),
        (("--netns", "3"), "--netns is '3', which is not two descriptors"),
        (("--netns", "997,998"), "entering the network namespace failed"),
        (("--address", "here"), "--address is 'here', which is no IPv4 address"),
        (("--address", "192.0.2.77"), "binding the device's address failed"),
        (("--patience", 0), "--patience is '0'"),
        (("--vcpus", 9), "--vcpus is '9'"),
        (("--tick", 0), "--tick is '0'"),
    ],
)
def test_bad_options_are_one_sentence(
    vmm: Path, table: Path, options: tuple[object, ...], complaint: str
) -> None:
    skip_lacking(vmm, "net_rr")
    done = run(vmm, "--workload", "net_rr", "--count", REQUESTS, "--intervals", table, *options)
    assert done.returncode in {2, 3}
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.needs("root")
def test_what_comes_faster_than_it_is_served_waits_and_is_not_lost(
    vmm: Path, tmp_path: Path
) -> None:
    """More than a socket holds by default (net.core.rmem_default)."""
    skip_lacking(vmm, "net_rr")
    table = tmp_path / "at-once"
    table.write_text("1\n" * MANY)
    guest = result(vmm, "--workload", "net_rr", "--open", "--count", MANY, "--intervals", table)
    assert guest["requests"]["replies"] == guest["completed"] == MANY
    assert guest["requests"]["lost"] == 0


def across(vmm: Path, table: Path, network: Network, *options: object) -> dict[str, Any]:
    """Serve `REQUESTS` over a private network."""
    command = ["--workload", "net_rr", "--count", REQUESTS, "--intervals", table]
    return result(vmm, *command, *network.options, *options, descriptors=network.descriptors)


@pytest.mark.needs("root")
@pytest.mark.parametrize("protocol", [(), ("--tcp",)], ids=["udp", "tcp"])
def test_a_private_network_loses_nothing(vmm: Path, table: Path, protocol: tuple[str, ...]) -> None:
    skip_lacking(vmm, "net_rr")
    with closing(Network({})) as network:
        guest = across(vmm, table, network, *protocol)
        assert guest["completed"] == guest["requests"]["replies"] == REQUESTS
        facts = network.facts()
    assert sum(facts["received_on"].values()) >= 2 * REQUESTS


@pytest.mark.needs("root")
@pytest.mark.parametrize("loop", [(), ("--open",)], ids=["closed", "open"])
def test_a_lost_packet_is_seen_and_not_waited_for(
    vmm: Path, table: Path, loop: tuple[str, ...]
) -> None:
    """A bucket of 3000 bytes for frames of 50, and no room to wait in: some 60 get through."""
    skip_lacking(vmm, "net_rr")
    with closing(Network({})) as network:
        network.ends[0].discipline("tbf", rate=1000, burst=3000, limit=60)
        guest = across(vmm, table, network, "--patience", 5, *loop)
    requests = guest["requests"]
    assert requests["sent"] == REQUESTS
    assert 30 < requests["lost"] + requests["strange"] < 70
    assert requests["lost"] == REQUESTS - requests["replies"] > 0
    assert requests["interrupts"] == guest["completed"] >= requests["replies"]
    assert len(guest["round_trip_ns"]) == requests["replies"]
    assert len(guest["latency_ns"]) == guest["completed"]


@pytest.mark.needs("root")
def test_a_delay_is_part_of_the_round_trip_both_ways(vmm: Path, table: Path) -> None:
    skip_lacking(vmm, "net_rr")
    try:
        network = Network({"delay_ns": 2_000_000})
    except MissingError as missing:
        pytest.skip(str(missing))
    with closing(network):
        assert min(across(vmm, table, network)["round_trip_ns"]) >= 4_000_000


@pytest.mark.needs("root")
def test_netem_loses_about_the_share_it_is_told(vmm: Path, table: Path) -> None:
    skip_lacking(vmm, "net_rr")
    try:
        network = Network({"loss": 0.2})
    except MissingError as missing:
        pytest.skip(str(missing))
    with closing(network):
        requests = across(vmm, table, network, "--patience", 5)["requests"]
    assert 0 < requests["lost"] < REQUESTS


def _echo(end: socket.socket, count: int) -> None:
    for _ in range(count):
        message, client = end.recvfrom(64)
        end.sendto(message, client)


def test_a_client_alone_needs_no_vm_of_its_own(vmm: Path, table: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
        elsewhere.bind(("127.0.0.1", 0))
        echo = threading.Thread(target=_echo, args=(elsewhere, REQUESTS))
        echo.start()
        port = elsewhere.getsockname()[1]
        command = ["--workload", "net_rr", "--count", REQUESTS, "--intervals", table]
        done = run(vmm, *command, "--remote", port)
        echo.join()
    assert (done.returncode, done.stderr) == (0, "")
    ready, measured = map(json.loads, done.stdout.splitlines())
    assert ready["ready"]["vcpus"] == []
    result = measured["result"]
    assert result["requests"]["sent"] == result["requests"]["replies"] == REQUESTS
    assert len(result["round_trip_ns"]) == REQUESTS
    assert "latency_ns" not in result
