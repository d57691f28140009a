"""What the machine must have for a test, found by looking, and the switch against skipping."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from functools import cache

import pytest

# _IO(KVMIO, 0): powerpc numbers ioctls otherwise (arch/powerpc/include/uapi/asm/ioctl.h).
KVM_GET_API_VERSION = 0x2000AE00 if os.uname().machine.startswith("ppc") else 0xAE00


@cache
def lacking(piece: str) -> str | None:
    """Say why `piece` cannot be used here, or None when it can."""
    match piece:
        case "kvm":
            try:
                with open("/dev/kvm", "rb+", buffering=0) as kvm:  # noqa: PTH123
                    fcntl.ioctl(kvm, KVM_GET_API_VERSION)
            except OSError as error:
                return f"/dev/kvm cannot be used: {error.strerror}"
        case "bpf":
            if os.geteuid() != 0:
                return "eBPF needs root"
            probe = subprocess.run(
                ["/usr/bin/python3", "-c", "import bcc"], capture_output=True, check=False
            )
            if probe.returncode:
                return "the distribution's bcc (python3-bpfcc) is not installed"
        case "browser":
            if not shutil.which("chromium"):
                return "chromium is not installed"
        case "fleet":
            from lab import emulation  # noqa: PLC0415  (wanted here only)

            return emulation.lacking(emulation.load_fleet().values())
        case "root":
            if os.geteuid() != 0:
                return "this test needs root"
        case _:
            raise ValueError(piece)
    return None


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
