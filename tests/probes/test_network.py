"""The private network of a trial leaves nothing behind and touches nothing of the host's own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from agent import network, tap
from agent.errors import MissingError
from agent.network import BRIDGE, LINK, TAP, Bridged, Network

from tests.probes.agent_host import Host, until

pytestmark = pytest.mark.needs("root")

PRIME = 97
LOOK = (
    ("ip", "netns"),
    ("ip", "-json", "address"),
    ("ip", "-json", "route", "show", "table", "all"),
    ("ip", "-json", "neighbour", "show", "nud", "permanent"),
    ("tc", "-json", "qdisc"),
)


def seen() -> list[str]:
    """Return what the host's own namespace has, and the names of all others."""
    if not shutil.which("ip") or not shutil.which("tc"):
        pytest.skip("iproute2, which looks at the host's networks, is not installed")
    return [
        subprocess.run(each, capture_output=True, text=True, check=True).stdout for each in LOOK
    ]


def namespaces(of: str = "[0-9]*") -> set[str]:
    """Return the network namespaces that processes, by pid, are in or hold a descriptor of."""
    links = (
        *Path("/proc").glob(f"{of}/task/[0-9]*/ns/net"),
        *Path("/proc").glob(f"{of}/fd/[0-9]*"),
    )
    found = set()
    for link in links:
        with contextlib.suppress(OSError):
            found.add(str(link.readlink()))
    return {each for each in found if each.startswith("net:[")}


def requests(count: int, ns: int, **link: object) -> dict[str, Any]:
    return {
        "setting": {"vm.halt_poll_ns": 0},
        "workload": {
            "name": "w",
            "guest": "net_rr",
            "count": count,
            "interval": {"kind": "fixed", "ns": ns},
            "loop": "closed",
            "protocol": "udp",
            "link": link,
        },
    }


def test_the_host_does_not_see_it() -> None:
    before = seen()
    with closing(Network({})) as made:
        assert seen() == before
        facts = made.facts()
        assert facts["client"]["qdiscs"] == facts["device"]["qdiscs"] == ["noqueue"]
        assert facts["client"]["tx_queues"] >= 1
        inodes = {os.fstat(each).st_ino for each in made.descriptors}
        assert len(inodes | {Path("/proc/self/ns/net").stat().st_ino}) == 3
    assert seen() == before


def test_a_rate_needs_no_netem() -> None:
    with closing(Network({"rate_bit_s": 10_000_000})) as made:
        assert made.facts()["client"]["qdiscs"] == ["tbf"]


def test_a_tap_and_the_link_meet_on_a_bridge() -> None:
    before = seen()
    with closing(Network({}, Bridged)) as made:
        device = f"/proc/{os.getpid()}/fd/{made.descriptors[1]}"
        ports = subprocess.run(
            ["nsenter", f"--net={device}", "bridge", "link"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert {line.split()[1].split("@")[0].rstrip(":") for line in ports.splitlines()} == {
            LINK,
            TAP,
        }
        assert ports.count(f"master {BRIDGE}") == 2
        assert seen() == before
    assert seen() == before


def test_a_kernel_without_taps_is_a_sentence_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tap, "DEVICE", tmp_path)
    before = seen()
    with pytest.raises(MissingError, match="CONFIG_TUN"):
        Network({}, Bridged)
    assert seen() == before


def test_a_refused_link_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "LINK", "a-name-longer-than-the-kernel-takes")
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(MissingError, match="this kernel refuses a private network"):
        Network({})
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors


def test_what_the_kernel_lacks_is_a_sentence_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(network, "_discipline", lambda _link: ("no-such", {}))
    before = seen()
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(MissingError, match="CONFIG_NET_SCH_NO-SUCH"):
        Network({"loss": 0.1})
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors
    assert seen() == before


@pytest.mark.needs("kvm", "bpf")
def test_one_row_holds_what_client_device_guest_and_kernel_saw(host: Host) -> None:
    before = seen()
    host.plan([requests(PRIME, 50_000)])
    host.start()
    assert host.end()["state"] == "complete"
    [row] = host.rows()
    assert row["status"] == "ok", row["reason"]
    guest = row["guest"]
    assert {guest["requests"][name] for name in ("sent", "interrupts", "replies")} == {PRIME}
    assert guest["completed"] == PRIME
    # An interrupt that is pending when the guest halts never comes to kvm_vcpu_halt().
    assert PRIME - 5 <= row["haltpoll"]["halts"] <= PRIME
    assert row["network"]["thread_cpus"]
    assert seen() == before


@pytest.mark.needs("kvm", "bpf")
def test_a_network_that_cannot_be_had_is_a_missing_trial(host: Host) -> None:
    host.plan([requests(PRIME, 50_000, delay_ns=1_000_000), requests(PRIME, 50_000)])
    host.start()
    assert host.end()["state"] == "complete"
    first, second = host.rows()
    assert second["status"] == "ok"
    if first["status"] == "ok":
        pytest.skip("this kernel has netem")
    assert first["status"] == "missing"
    assert "netem" in first["reason"]


def vmms(host: Host) -> list[str]:
    """Return the pids of those that serve a network; others describe or build."""
    found = subprocess.run(
        ["pgrep", "-f", f"{host.home}.*kvmlab-guest.*--netns"],
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.split()


def vmm(host: Host, _agent: int) -> list[int]:
    return list(map(int, vmms(host)))


def agent(_host: Host, agent: int) -> list[int]:
    return [agent]


def everyone(host: Host, agent: int) -> list[int]:
    guards = subprocess.run(["pgrep", "-P", str(agent)], capture_output=True, text=True, check=True)
    return [*map(int, guards.stdout.split()), agent, *vmm(host, agent)]


@pytest.mark.needs("kvm", "bpf")
@pytest.mark.parametrize("victims", [vmm, agent, everyone], ids=lambda each: each.__name__)
def test_nothing_is_left_whoever_is_killed(
    host: Host, victims: Callable[[Host, int], list[int]]
) -> None:
    before, own = seen(), namespaces("self")
    host.plan([requests(60_000, 300_000)])
    pid = host.start()
    until(lambda: bool(vmms(host)))
    private = namespaces(vmms(host)[0]) - own
    assert len(private) == 2
    assert seen() == before
    for victim in victims(host, pid):
        os.kill(victim, signal.SIGKILL)
    state = host.end()
    assert state["state"] in {"complete", "interrupted"}
    until(lambda: not vmms(host))
    until(lambda: not private & namespaces())
    assert seen() == before
