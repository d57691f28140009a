"""What breaks on a host is one sentence and costs that host alone; `--resume` mends it.

The other host is this machine: it shares nothing with the emulated one. Each fault is a real one:
an emulator killed, a port that refuses, a disk filled, a module that does not load, a login without
sudo. No QEMU and no root on the controller are in tests/lab/emulation/test_errors.py.

What has nothing to do with an architecture is tested on one: each costs minutes. KVM's modules are
each architecture's own.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.errors import Exit
from tests.fleet.bench import ALWAYS, FORCED, LOCAL, Emulated, Ended, Lab, until

pytestmark = pytest.mark.needs("fleet", "kvm", "bpf", "root")

HOME = "/var/lib/kvmlab"
COUNT = 23
TRIALS = 1 + 2
# A killed host, the worst of them, is tested every time.
when_forced = pytest.mark.skipif(not FORCED, reason="run when KVMLAB_FORCE names fleet")
on_one_host = pytest.mark.parametrize("emulated", [ALWAYS], indirect=True)
# KVM is a module there; arm64 has it built in.
on_one_with_modules = pytest.mark.parametrize("emulated", ["emu-x86"], indirect=True)
LONG = 50


def here(folder: Path) -> dict[str, str]:
    return {**LOCAL, "kvmlab_home": str(folder / "home")}


@pytest.fixture
def lab(emulated: Emulated, tmp_path: Path) -> Iterator[Lab]:
    # Lost for good after a moment.
    yield Lab(tmp_path, there=emulated.entry(agent_reconnects=2), here=here(tmp_path))
    # What the lab has shipped and built stays for the next run: minutes here.
    emulated.ssh(f"rm -rf {HOME}/runs")


def begin(emulated: Emulated, lab: Lab) -> subprocess.Popen[str]:
    """Start a run that takes a while, and return when the emulated host is in the midst of it."""
    question = lab.question("halt", count=LONG, blocks=2)
    process = lab.start("run", question, "--no-provision", "--allow-foreign-vms")
    emulated.ssh(f"until ls {HOME}/runs/*/trials/000000.json; do sleep 1; done 2>/dev/null")
    return process


def run(lab: Lab) -> Ended:
    question = lab.question("halt", count=COUNT)
    return lab.kvmlab("run", question, "--no-provision", "--allow-foreign-vms")


def unharmed(lab: Lab, trials: int) -> None:
    assert lab.entry("here")["state"] == "complete"
    assert [row["status"] for row in lab.rows("here")] == ["ok"] * trials


def resumed(lab: Lab, trials: int) -> None:
    ended = lab.kvmlab("run", "--resume", lab.run.name, "--no-provision")
    assert ended.status in {Exit.OK, Exit.INCONCLUSIVE}, ended.err
    assert lab.entry("there")["state"] == "complete"
    assert [row["trial"] for row in lab.rows("there")] == list(range(trials))


@on_one_host
def test_a_host_killed_in_mid_run(emulated: Emulated, lab: Lab) -> None:
    process = begin(emulated, lab)
    emulated.kill()
    ended = lab.end(process)
    assert ended.status == Exit.FAILURE
    assert "there: unreachable: lost while its agent ran" in ended.err
    assert f"kvmlab run --resume {lab.run.name}" in ended.err
    unharmed(lab, 1 + 2 * 2)
    # As it was built: even what the host had measured is gone.
    emulated.up()
    resumed(lab, 1 + 2 * 2)


@when_forced
@on_one_host
def test_a_line_cut_for_a_moment_and_for_good(emulated: Emulated, lab: Lab) -> None:
    # A connection of its own for every task: each can be refused.
    there = emulated.entry(agent_reconnects=2, ansible_ssh_args="-o ControlMaster=no")
    lab.hosts(there=there, here=here(lab.folder))
    process = begin(emulated, lab)
    with emulated.refusing():
        ended = lab.end(process)
    assert ended.status == Exit.FAILURE
    assert "there cannot be reached over SSH (Connection" in ended.err
    unharmed(lab, 1 + 2 * 2)
    # The agent went on by itself: what is left is to fetch its rows.
    until(lambda: '"complete"' in emulated.ssh(f"cat {HOME}/runs/*/state.json"))
    before = emulated.ssh(f"stat -c '%i %Y %n' {HOME}/runs/*/trials/*")
    resumed(lab, 1 + 2 * 2)
    assert emulated.ssh(f"stat -c '%i %Y %n' {HOME}/runs/*/trials/*") == before


@contextmanager
def after(emulated: Emulated, harm: str, mend: str) -> Iterator[None]:
    emulated.ssh(harm)
    try:
        yield
    finally:
        emulated.ssh(mend)


@when_forced
@on_one_host
def test_a_full_disk(emulated: Emulated, lab: Lab) -> None:
    # What can be had at once, then what only root may take, to the last byte.
    fill = "fallocate -l $(df --output=avail -B 1 / | tail -n 1) /full; cat /dev/zero >/fuller"
    with after(emulated, f"{{ {fill}; }} 2>/dev/null; sync", "rm -f /full /fuller"):
        ended = run(lab)
    assert ended.status == Exit.FAILURE
    assert "there has a full disk: make room" in ended.err
    unharmed(lab, TRIALS)
    resumed(lab, TRIALS)


@when_forced
@on_one_with_modules
def test_a_kernel_without_kvm(emulated: Emulated, lab: Lab) -> None:
    barred = "".join(f"install {name} /bin/false\\n" for name in ("kvm_amd", "kvm_intel", "kvm"))
    harm = f"rmmod kvm_amd kvm; printf '{barred}' >/etc/modprobe.d/no-kvm.conf"
    with after(emulated, harm, "rm /etc/modprobe.d/no-kvm.conf; modprobe kvm_amd"):
        question = lab.question("halt", count=COUNT)
        ended = lab.kvmlab("run", question, "--allow-foreign-vms")
    assert ended.status == Exit.FAILURE
    assert "there: unsupported: " in ended.err
    assert "/dev/kvm" in ended.err
    unharmed(lab, TRIALS)
    resumed(lab, TRIALS)


@when_forced
@on_one_host
def test_a_login_that_may_not_become_root(emulated: Emulated, lab: Lab) -> None:
    # A password that none matches: without one sshd takes the account for locked.
    user = (
        "useradd --create-home --shell /bin/sh --password '*' plain; cp -r /root/.ssh /home/plain/"
    )
    harm = f"{user}; chown -R plain: /home/plain/.ssh"
    lab.hosts(there=emulated.entry(ansible_user="plain"), here=here(lab.folder))
    with after(emulated, harm, "userdel --force --remove plain 2>/dev/null"):
        ended = run(lab)
    assert ended.status == Exit.FAILURE
    assert "there has no sudo: log in as root (ansible_user: root" in ended.err
    unharmed(lab, TRIALS)
    lab.hosts(there=emulated.entry(), here=here(lab.folder))
    resumed(lab, TRIALS)
