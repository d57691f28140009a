"""Make a tap by the ioctls of its device: pyroute2 0.7 does not know their numbers on ppc64le."""

from __future__ import annotations

import fcntl
import struct
from pathlib import Path

from agent import arch
from agent.errors import MissingError

DEVICE = Path("/dev/net/tun")
# include/uapi/linux/if_tun.h: _IOW('T', 202, int), _IOW('T', 203, int), and the flags of a frame
# without a header before it.
TUNSETIFF, TUNSETPERSIST = 0x000454CA, 0x000454CB
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
# struct ifreq: a name and a union of 24 bytes, which begins with the flags.
IFREQ = struct.Struct("16sH22x")


def make(name: str) -> None:
    """Make the tap `name` in the network namespace this thread is in; it goes with the namespace.

    Raises MissingError where the kernel makes none.
    """
    architecture = arch.of()
    write = architecture.IOC_WRITE if architecture else 1 << 30
    try:
        with DEVICE.open("r+b", buffering=0) as device:
            fcntl.ioctl(device, write | TUNSETIFF, IFREQ.pack(name.encode(), IFF_TAP | IFF_NO_PI))
            fcntl.ioctl(device, write | TUNSETPERSIST, 1)
    except OSError as error:
        raise MissingError(
            f"this kernel makes no tap ({error}), which a VM with a card needs (CONFIG_TUN)"
        ) from error
