"""KVM's device: whether it opens is looked at before anything on the host is built or changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from agent.errors import UnsupportedError

DEVICE = "/dev/kvm"


@contextmanager
def device() -> Iterator[int]:
    """Open it for as long as the block takes; UnsupportedError where it does not open."""
    try:
        descriptor = os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC)
    except PermissionError as error:
        raise UnsupportedError(
            f"{DEVICE} may not be opened by this user: run as root, or join the group that owns it"
        ) from error
    except OSError as error:
        raise UnsupportedError(
            f"{DEVICE} cannot be opened ({error.strerror}): load this host's KVM module, or switch "
            "virtualisation on in its firmware or hypervisor"
        ) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def look() -> None:
    """Raise UnsupportedError where the device does not open."""
    with device():
        pass
