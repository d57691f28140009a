"""QEMU's control connection (QMP): one command at a time, events passed over."""

from __future__ import annotations

import contextlib
import json
import socket
from typing import Any

from agent.errors import AgentError

# QEMU's own commands take milliseconds; on an emulated host that is busy, seconds.
PATIENCE_S = 60.0


class Qmp:
    """The end of a connected socket pair whose other end QEMU has."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE_S)
        self._connection = connection
        self._file = connection.makefile("rwb")

    def greet(self) -> str:
        """Take QEMU's greeting and return its version; AgentError when it does not come."""
        version = self._read()["QMP"]["version"]["qemu"]
        self.ask("qmp_capabilities")
        return f"{version['major']}.{version['minor']}.{version['micro']}"

    def ask(self, command: str, **arguments: Any) -> Any:  # noqa: ANN401
        """Return what QEMU answers; AgentError with its own words when it refuses."""
        self._file.write(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        try:
            self._file.flush()
        except OSError as error:
            raise AgentError(f"QEMU took no {command}: {error.strerror or error}") from error
        while True:
            answer = self._read()
            if "error" in answer:
                raise AgentError(f"QEMU refused {command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def close(self) -> None:
        # What QEMU did not take before it ended is flushed once more, and refused once more.
        with contextlib.suppress(OSError):
            self._file.close()
        self._connection.close()

    def _read(self) -> dict[str, Any]:
        try:
            line = self._file.readline()
        except socket.timeout as error:
            raise AgentError(f"QEMU did not answer within {PATIENCE_S:g} s") from error
        except ConnectionError:
            line = b""
        if not line:
            raise AgentError("QEMU closed its control connection")
        answer: dict[str, Any] = json.loads(line)
        return answer
