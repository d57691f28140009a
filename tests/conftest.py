"""What the machine must have for a test, found by looking, and the switch against skipping.

And who runs what where pytest has several processes: one has all that is of this machine, and each
emulated host is one's alone.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from functools import cache

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# _IO(KVMIO, 0): powerpc numbers ioctls otherwise (arch/powerpc/include/uapi/asm/ioctl.h).
KVM_GET_API_VERSION = 0x2000AE00 if os.uname().machine.startswith("ppc") else 0xAE00


def _root() -> str | None:
    return None if os.geteuid() == 0 else "this test needs root"


def _kvm() -> str | None:
    try:
        with open("/dev/kvm", "rb+", buffering=0) as kvm:  # noqa: PTH123
            fcntl.ioctl(kvm, KVM_GET_API_VERSION)
    except OSError as error:
        return f"/dev/kvm cannot be used: {error.strerror}"
    return None


def _bpf() -> str | None:
    python = ["/usr/bin/python3", "-c", "import bcc"]
    if subprocess.run(python, capture_output=True, check=False).returncode:
        return "the distribution's bcc (python3-bpfcc) is not installed"
    return _root()


def _browser() -> str | None:
    return None if shutil.which("chromium") else "chromium is not installed"


def _monitoring() -> str | None:
    programs = ("prometheus", "promtool", "prometheus-alertmanager", "prometheus-node-exporter")
    missing = [program for program in programs if not shutil.which(program)]
    return f"{', '.join(missing)} not installed: playbooks/develop.yml does it" if missing else None


def _fleet() -> str | None:
    from lab import emulation  # noqa: PLC0415  (wanted here only)

    return emulation.lacking(emulation.load_fleet().values())


def _otava() -> str | None:
    from tests import peers  # noqa: PLC0415  (wanted here only)

    return peers.lacking()


LACKING = {
    "root": _root,
    "kvm": _kvm,
    "bpf": _bpf,
    "browser": _browser,
    "fleet": _fleet,
    "linux": _fleet,
    "monitoring": _monitoring,
    "otava": _otava,
}


@cache
def lacking(piece: str) -> str | None:
    """Say why `piece` cannot be used here, or None when it can."""
    return LACKING[piece]()


def pytest_runtest_setup(item: pytest.Item) -> None:
    forced = set(os.environ.get("KVMLAB_FORCE", "").split(","))
    for marker in item.iter_markers("needs"):
        for piece in marker.args:
            reason = lacking(piece)
            if reason is None:
                continue
            if forced & {piece, "all"}:
                pytest.fail(f"KVMLAB_FORCE names {piece}, and {reason}")
            pytest.skip(reason)


HERE = "here"
# What takes longest goes first.
FIRST = (HERE, "emu-s390x", "emu-arm64")


@cache
def _emulated() -> tuple[str, ...]:
    from lab import emulation  # noqa: PLC0415  (wanted here only)

    return tuple(emulation.load_fleet())


def _host(nodeid: str) -> str:
    """Return which host the test boots, by its parameters; HERE when it boots none."""
    booted = nodeid.startswith("tests/fleet/")
    return max((name for name in _emulated() if booted and name in nodeid), key=len, default=HERE)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ranks = {name: rank for rank, name in enumerate(FIRST)}
    items.sort(key=lambda item: ranks.get(_host(item.nodeid), len(ranks)))


class ByHost(LoadScopeScheduling):  # type: ignore[misc]
    """Give all tests of one host to one process.

    pytest-xdist 3.8 has groups for this, which pytest 9.2 ignores:
    https://github.com/pytest-dev/pytest-xdist/issues/1386
    """

    def _split_scope(self, nodeid: str) -> str:
        return _host(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByHost:
    return ByHost(config, log)
