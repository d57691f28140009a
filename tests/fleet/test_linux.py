"""A real Linux guest under nested KVM boots, answers every request, is seen, and leaves nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import crosscheck
from lab.errors import Exit
from tests.fleet.bench import LINUX, Emulated, Lab, until
from tests.fleet.conftest import Say

pytestmark = [
    pytest.mark.needs("linux"),
    pytest.mark.skipif(not LINUX, reason="booted when KVMLAB_FORCE names linux"),
]

HOSTS: dict[str, dict[str, Any]] = {
    "emu-arm64": {"packages": ("qemu-system-arm",)},
    # One CPU: with two, QEMU gives the guest interrupts twice (lab/emulation/machine/x86_64.py).
    "emu-x86": {"packages": ("qemu-system-x86",), "cpus": 1},
    "emu-ppc64": {"packages": ("qemu-system-ppc",)},
}
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
RHYTHM = 'interval = { kind = "fixed", ns = 10_000_000 }'
UDP = f'guest = "qemu_rr"\n{RHYTHM}'
TCP = f'{UDP}\nprotocol = "tcp"\nvcpus = 2'
PIPE = 'guest = "qemu_pipe"'
# What a user's initramfs does is what the lab's does, told by the kernel's parameters.
THEIRS = "/root/theirs"
BROUGHT = f"""{UDP}
initramfs = "{THEIRS}"
image = "{THEIRS}.img"
cmdline = "-- echo 192.0.2.2 30"
"""
BRING = f"""
cd {HOME}/probes-*/ && python3 - <<END
from pathlib import Path
from platform import release
from agent import guest, initramfs
init = guest.build(Path("{HOME}"), guest.SHIPPED / "linux", "init").read_bytes()
archive = initramfs.build(init, Path("/lib/modules", release()), initramfs.NETWORK_CARD)
Path("{THEIRS}").write_bytes(archive)
Path("{THEIRS}.img").write_bytes(bytes(1 << 20))
END
"""
# What is there of networks, by namespace: all of it.
NETWORKS = (
    "ip -json link; tc -json qdisc; ip netns;"
    "ls -l /proc/[0-9]*/ns/net | grep -o 'net:.*' | sort --unique"
)


@pytest.fixture(scope="module", params=HOSTS)
def linux_host(request: pytest.FixtureRequest, say: Say) -> Iterator[Emulated]:
    host = Emulated(request.param, say, **HOSTS[request.param])
    try:
        host.up()
        yield host
    finally:
        host.down()


def question(lab: Lab, count: int, **workloads: str) -> str:
    tables = (
        f'[[workloads]]\nname = "{name}"\ncount = {count}\n{keys}\n'
        for name, keys in workloads.items()
    )
    path = lab.folder / "linux.toml"
    path.write_text(QUESTION + "".join(tables))
    return str(path)


def measured(host: Emulated, folder: Path, **workloads: str) -> list[dict[str, Any]]:
    lab = Lab(folder, there=host.entry())
    ended = lab.kvmlab("run", question(lab, PRIME, **workloads), "--no-provision")
    assert ended.status in {Exit.OK, Exit.INCONCLUSIVE}, ended.err
    rows = lab.rows("there")
    # Each once to warm up.
    assert len(rows) == 2 * len(workloads)
    for row in rows:
        # Inert where the host's KVM does not poll: it runs all the same.
        assert row["status"] in {"ok", "inert"}, row["reason"]
        assert row["guest"], row["reason"]
    return rows


@pytest.fixture(scope="module")
def rows(linux_host: Emulated, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return measured(linux_host, tmp_path_factory.mktemp("linux"), udp=UDP, tcp=TCP, pipe=PIPE)


def test_requests_sent_are_requests_answered(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        guest = row["guest"]
        sent = guest.get("requests", {"sent": PRIME, "replies": PRIME})
        assert [sent["sent"], guest["completed"], sent["replies"]] == 3 * [PRIME]
        assert len(guest["round_trip_ns"]) == PRIME
        assert min(guest["round_trip_ns"]) > 0
        assert row["haltpoll"]["halts"] > 0


def test_each_side_of_a_pipe_halts_while_the_other_runs(
    linux_host: Emulated, rows: list[dict[str, Any]]
) -> None:
    for row in rows:
        if row["workload"]["name"] == "pipe":
            halts = {0: 0, 1: 0}
            for exits in row["phases"]["exits"]:
                if exits["class"] == "halt":
                    halts[exits["vcpu"]] += exits["count"]
            # Not each time: a byte may be there before the side that waits for it has gone idle.
            assert min(halts.values()) > PRIME / 2
            # Each on a CPU of its own, as far as there are any.
            cpus = [set(vcpu["cpus"]) for vcpu in row["guest"]["vcpus"]]
            assert [len(each) for each in cpus] == [1, 1]
            assert len(set.union(*cpus)) == min(linux_host.host.cpus, 2)


def test_phases_hold_all_the_time_of_a_vcpu(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        told, accounts = row["guest"]["vcpus"], row["phases"]["vcpus"]
        assert len(told) == len(accounts) == row["workload"]["vcpus"]
        by_id = {vcpu["id"]: vcpu for vcpu in told}
        for account in accounts:
            known = sum(filter(None, account["phases"].values())) + account["unattributed_ns"]
            assert known == account["wall_ns"]
            # Seen asleep in KVM_RUN before the first request and after the last.
            bounds = by_id[account["vcpu"]]
            assert sum(row["guest"]["round_trip_ns"]) < bounds["run_least_ns"]
            assert bounds["run_least_ns"] <= account["wall_ns"] <= bounds["run_ns"]
        counts = [d for d in crosscheck.differences(row) if d.quantity.unit == "events"]
        assert counts
        assert not [each for each in counts if each.notable]


def test_the_guest_says_what_it_is(linux_host: Emulated, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        said = row["guest"]["linux"]
        assert said["kernel"] == linux_host.ssh("uname -r")
        assert said["cpus"] == row["workload"]["vcpus"]
        assert said["boot_ns"] > 0


def test_a_guest_that_somebody_brings_is_asked_and_its_disk_stays_as_it_was(
    linux_host: Emulated, rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    del rows  # what they wanted is built
    linux_host.ssh(BRING)
    before = linux_host.ssh(f"sha256sum {THEIRS}.img")
    for row in measured(linux_host, tmp_path, theirs=BROUGHT):
        requests = row["guest"]["requests"]
        assert [requests["sent"], requests["replies"], row["guest"]["completed"]] == 3 * [PRIME]
        assert row["guest"]["linux"].keys() == {"boot_ns", "qemu"}
    assert linux_host.ssh(f"sha256sum {THEIRS}.img") == before


def test_it_is_observed_by_name_and_goes_with_a_killed_agent(
    linux_host: Emulated, tmp_path: Path
) -> None:
    lab = Lab(tmp_path, there=linux_host.entry())
    linux_host.ssh(f"rm -rf {HOME}/runs/*")
    before = linux_host.ssh(NETWORKS)
    process = lab.start("run", question(lab, LONG, udp=UDP), "--no-provision")
    # Booted: what serves is asked by a client.
    linux_host.ssh("until pgrep -f '[k]vmlab-guest.* --remote'; do sleep 1; done")
    seen = lab.kvmlab("observe", "there", "--json", "--count", "3", "--interval", "5")
    assert seen.status == Exit.OK, seen.err
    *_, last = map(json.loads, seen.out.splitlines())
    (vm,) = last["vms"]
    assert vm["name"] == "udp"
    (vcpu,) = vm["vcpus"]
    assert (vcpu["vcpu"], vcpu["thread"]) == (0, "CPU 0/KVM")
    assert vcpu["account"]["exits"] > 0

    agent = linux_host.ssh(f"sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/' {HOME}/runs/*/state.json")
    linux_host.ssh(f"kill -9 {agent}")
    until(lambda: linux_host.ssh("pgrep -f '[g]uest=udp|[k]vmlab-guest' || echo none") == "none")
    assert linux_host.ssh(NETWORKS) == before
    assert lab.end(process).status == Exit.FAILURE
