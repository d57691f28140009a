"""The Linux guest of a trial, with a stand-in for QEMU: what is asked of it, what becomes of it."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from agent import arch, echo, guest, linux, linux_boot, linux_vm, trials
from agent.errors import AgentError, MissingError
from agent.knobs import catalog, inert
from agent.process import start_time
from agent.trials import Bench

PRIME = 97
HERE = Path(__file__).resolve().parent
INIT = HERE.parents[1] / "probes" / "linux"
SLEEPS = "import time; time.sleep(60)"
BOOTED = {"kernel": None, "cmdline": None, "memory_mib": 256}
PIPE = {"name": "w", "guest": "qemu_pipe", "count": PRIME, "vcpus": 2, **BOOTED}


def plan(protocol: str = "udp", **changes: Any) -> dict[str, Any]:
    workload = {
        "name": "w",
        "guest": "qemu_rr",
        "count": PRIME,
        "interval": {"kind": "fixed", "ns": 10_000},
        "vcpus": 1,
        "loop": "closed",
        "protocol": protocol,
        "link": {},
        **BOOTED,
        "initramfs": None,
        "image": None,
        **changes,
    }
    return {"setting": {"guest.halt_poll_ns": 7}, "workload": workload, "seed": 1}


@pytest.fixture
def bench(vmm: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    if not shutil.which("ip"):
        pytest.skip("iproute2, which gives the stand-in its address, is not installed")
    program = tmp_path / "qemu"
    shutil.copy(HERE / "fake_qemu.py", program)
    program.chmod(0o755)
    kernel = tmp_path / "boot" / f"vmlinuz-{platform.release()}"
    kernel.parent.mkdir()
    kernel.touch()
    for module in (linux, linux_boot):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    # The stand-in's one thread is in no KVM_RUN.
    monkeypatch.setattr(linux_vm, "PATIENCE_S", 0.0)
    monkeypatch.setattr(arch.of(), "EMULATOR", arch.Emulator(str(program), (), "ttyS0"))
    folder = home / "runs" / tmp_path.name
    folder.mkdir(parents=True)
    return Bench(vmm, {}, None, catalog(tmp_path), None, folder, None, 30)  # type: ignore[arg-type]


def serve(bench: Bench, asked: dict[str, Any]) -> dict[str, Any]:
    with trials._network(asked["workload"]) as network, closing(bench._vm(asked, network)) as vm:
        assert vm.boot()
        result = vm.run(lambda: None)
        return {**result, **vm.rest()}


@pytest.mark.needs("root")
@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_requests_sent_are_answered_and_counted_by_all(bench: Bench, protocol: str) -> None:
    result = serve(bench, plan(protocol))
    requests = result["requests"]
    counted = [requests["sent"], requests["replies"], result["completed"]]
    assert [*counted, len(result["round_trip_ns"])] == 4 * [PRIME]
    assert requests["lost"] == requests["strange"] == 0
    # What grows is a difference, over the measurement alone; what does not is as it is.
    assert result["stats"]["vcpu"] == [{"exits": 5, "hist": [5, 0], "blocking": False}]
    assert result["linux"]["qemu"] == "10.0.3"
    assert linux.knobs(result) == {"guest.halt_poll_ns": 7}
    # A governor that is not in use has its parameters all the same.
    result["linux"]["idle_driver"] = "none"
    assert linux.knobs(result) == {"guest.halt_poll_ns": None}
    assert min(result["switches"].values()) >= 0
    (vcpu,) = result["vcpus"]
    assert vcpu["run_ns"] > result["wall_ns"] > sum(result["round_trip_ns"])


@pytest.mark.needs("root")
def test_a_byte_goes_round_and_each_vcpu_is_told_by_itself(bench: Bench) -> None:
    result = serve(bench, {"setting": {}, "workload": PIPE, "seed": 1})
    assert result["count"] == result["completed"] == len(result["round_trip_ns"]) == PRIME
    assert [vcpu["id"] for vcpu in result["vcpus"]] == [0, 1]
    assert [vcpu["exits"] for vcpu in result["stats"]["vcpu"]] == [5, 10]
    # Never seen in KVM_RUN: nobody knows how long it certainly was there.
    assert not any("run_least_ns" in vcpu for vcpu in result["vcpus"])


@pytest.mark.needs("root")
def test_a_guest_that_somebody_brings_has_only_to_answer(bench: Bench, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.write_bytes(b"")
    result = serve(bench, plan(initramfs=str(disk), image=str(disk), cmdline="root=/dev/vda"))
    assert result["requests"]["sent"] == result["completed"] == PRIME
    assert result["linux"].keys() == {"boot_ns", "qemu"}
    assert linux.knobs(result) == {}


@pytest.mark.needs("root")
def test_a_guest_that_does_not_answer_is_told_what_it_lacks(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KVMLAB_FAKE", "silent")
    monkeypatch.setattr(echo, "PATIENCE_S", 0.1)
    bench._timeout_s = 0.5
    disk = tmp_path / "disk"
    disk.write_bytes(b"")
    sentence = r"nothing over UDP at 192.0.2.2 port 7 in 0.5 s: .* its console said: .*web1"
    with pytest.raises(AgentError, match=sentence):
        serve(bench, plan(image=str(disk)))


def test_what_a_guest_boots_is_on_qemus_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("vmlinuz-6", "initramfs", "disk"):
        (tmp_path / name).touch()
    bootless = arch.Emulator("q", (), "tty", boots_disks=False)
    monkeypatch.setattr(linux_boot, "emulator", lambda: bootless)
    network = SimpleNamespace(ends=[SimpleNamespace(namespace=3)])

    def options(**changes: Any) -> str:
        return " ".join(linux_boot.Brought(plan(**changes), network).options)  # type: ignore[arg-type]

    disk = str(tmp_path / "disk")
    named = {"kernel": str(tmp_path / "vmlinuz-6"), "cmdline": "root=/dev/vda ro"}
    assert options(**named, image=disk) == (
        f"-kernel {named['kernel']} -append console=tty panic=-1 cpuidle_haltpoll.force=1 "
        f"haltpoll.guest_halt_poll_ns=7 root=/dev/vda ro -drive file={disk},if=virtio,snapshot=on"
    )
    assert f"-initrd {tmp_path}/initramfs" in options(
        **named, initramfs=str(tmp_path / "initramfs")
    )
    with pytest.raises(MissingError, match="/nowhere is not on this host"):
        options(**named, image="/nowhere")
    with pytest.raises(MissingError, match="q has no firmware that boots the image: name the ker"):
        options(image=disk)


def test_vcpus_have_cpus_of_their_own_while_one_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2})
    assert linux_vm._places(3) == [3, 2, 1]
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})
    assert linux_vm._places(1) == [1]
    assert linux_vm._places(None) == []


@pytest.mark.needs("root")
@pytest.mark.parametrize(
    ("fault", "error", "sentence"),
    [
        ("start", MissingError, "QEMU starts no VM on this host: QEMU closed .* no such CPU"),
        ("kvm", MissingError, "this host's KVM cannot run a Linux guest: KVM internal error"),
        ("init", AgentError, "the Linux guest failed: no network card came up"),
    ],
)
def test_a_guest_that_does_not_come_up_is_one_sentence(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    error: type[AgentError],
    sentence: str,
) -> None:
    monkeypatch.setenv("KVMLAB_FAKE", fault)
    with pytest.raises(error, match=sentence):
        serve(bench, plan())


@pytest.mark.needs("root")
def test_a_kernel_that_is_not_there_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingError, match="the guest's /nowhere is not on this host"):
        serve(bench, plan(kernel="/nowhere"))
    monkeypatch.setattr(linux, "ROOT", Path("/nowhere"))
    with pytest.raises(MissingError, match="has no file of its own kernel"):
        serve(bench, plan())


@pytest.mark.needs("root")
def test_qemu_dies_with_its_agent() -> None:
    """A parent that starts a child as the agent does, and is killed."""
    code = (
        "import subprocess, sys, time; from agent.qemu import _die_with_parent as die\n"
        f"child = subprocess.Popen([sys.executable, '-c', {SLEEPS!r}], preexec_fn=die)\n"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        cwd=HERE.parents[1] / "probes",
    )
    assert parent.stdout
    child = int(parent.stdout.readline())
    assert start_time(child) is not None
    parent.kill()
    parent.communicate()
    for _ in range(100):
        if start_time(child) is None:
            return
        time.sleep(0.1)
    pytest.fail("it lives")


@pytest.mark.needs("root")
@pytest.mark.usefixtures("bench")
def test_the_host_is_said_to_have_it_where_qemu_makes_a_vm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert linux.ability() == {
        "instruction": f"Linux {platform.release()} under QEMU 10.0.3",
        "reason": None,
    }
    monkeypatch.setenv("KVMLAB_FAKE", "start")
    assert "QEMU starts no VM on this host" in str(linux.ability()["reason"])
    monkeypatch.setattr(arch.of(), "EMULATOR", arch.Emulator("qemu-system-none", (), "ttyS0"))
    assert "qemu-system-none is not installed on this host" in str(linux.ability()["reason"])


@pytest.mark.needs("root")
@pytest.mark.usefixtures("bench")
def test_a_host_without_its_kernel_boots_one_that_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(linux, "ROOT", Path("/nowhere"))
    assert str(linux.ability()["instruction"]).startswith("a kernel that the workload names")


def test_knobs_of_a_guest_are_parameters_of_its_kernel() -> None:
    assert linux.parameters({"host.halt_poll_ns": 1}) == []
    assert linux.parameters({"guest.halt_poll_ns": 0, "guest.halt_poll_shrink": 2}) == [
        "cpuidle_haltpoll.force=1",
        "haltpoll.guest_halt_poll_ns=0",
        "haltpoll.guest_halt_poll_shrink=2",
    ]


@pytest.mark.parametrize("machine", ["aarch64", "ppc64le", "s390x"])
def test_elsewhere_than_on_x86_they_do_nothing(
    machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert "guests of x86 alone" in str(inert("guest.halt_poll_ns"))


@pytest.mark.parametrize(
    ("kind", "setting", "sentence"),
    [
        ("halt", {"guest.halt_poll_ns": 0}, "has no idle driver"),
        ("qemu_rr", {"vm.halt_poll_ns": 0}, "use the module's parameter"),
    ],
)
def test_a_knob_of_another_kind_of_guest_is_inert(
    kind: str, setting: dict[str, int], sentence: str, tmp_path: Path
) -> None:
    workloads = {kind: {"instruction": "x", "reason": None}}
    bench = Bench(tmp_path, workloads, None, catalog(tmp_path), None, tmp_path, None, 1)  # type: ignore[arg-type]
    blocked = bench._blocked({"workload": {"guest": kind}, "setting": setting})
    assert blocked is not None
    assert blocked.status == "inert"
    assert sentence in str(blocked.reason)


def test_init_builds_without_a_word_and_needs_no_library(tmp_path: Path) -> None:
    made = subprocess.run(
        ["make", "-s", "-C", str(INIT), f"OUT={tmp_path}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (made.returncode, made.stderr) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["init"]
    # No interpreter is asked for: elf(5), PT_INTERP names one.
    assert b"ld-linux" not in (tmp_path / "init").read_bytes()[:4096]


def test_the_vmm_and_the_lab_know_the_workloads(vmm: Path) -> None:
    described = linux.describe(vmm)["workloads"] if Path("/dev/kvm").exists() else {}
    assert set(linux.BOOTED) <= {
        *json.loads((guest.SHIPPED / "catalog.json").read_text())["guests"]
    }
    assert not described or set(linux.BOOTED) <= set(described)
