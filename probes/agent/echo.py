"""Whether an echo service (RFC 862) answers, asked as the client of a trial will ask it."""

from __future__ import annotations

import contextlib
import socket
import time

from agent import netns

# As long as a client's requests are (guest/wire.h).
MESSAGE = b"kvmlab??"
PATIENCE_S = 1.0

_KINDS = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}


def answers(address: str, port: int, protocol: str, namespace: int | None = None) -> bool:
    """Ask once, from a network namespace or else this one, and wait a second at most."""
    deadline = time.monotonic() + PATIENCE_S
    inside = contextlib.nullcontext() if namespace is None else netns.inside(namespace)
    with inside, socket.socket(socket.AF_INET, _KINDS[protocol]) as asking:
        asking.settimeout(PATIENCE_S)
        try:
            asking.connect((address, port))
            asking.sendall(MESSAGE)
            answer = asking.recv(len(MESSAGE))
        except OSError:
            # A refusal comes at once.
            time.sleep(max(0.0, deadline - time.monotonic()))
            return False
    return answer == MESSAGE
