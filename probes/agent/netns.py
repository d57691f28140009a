"""Network namespaces by descriptor: make one, be in one, come back."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator

from agent.errors import MissingError

# include/uapi/linux/sched.h
CLONE_NEWNET = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def inside(namespace: int | None) -> Iterator[None]:
    """Be in a namespace, or in a new one, and come back."""
    home = own()
    try:
        entered = (
            _libc.unshare(CLONE_NEWNET)
            if namespace is None
            else _libc.setns(namespace, CLONE_NEWNET)
        )
        if entered:
            raise MissingError(
                f"no network namespace can be had ({os.strerror(ctypes.get_errno())}): run as "
                "root on a kernel with CONFIG_NET_NS"
            )
        try:
            yield
        finally:
            _libc.setns(home, CLONE_NEWNET)
    finally:
        os.close(home)


def own() -> int:
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
