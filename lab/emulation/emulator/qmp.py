"""The few words of QEMU's machine protocol that the lab speaks (docs/interop/qmp-spec.rst)."""

from __future__ import annotations

import json
import os
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lab.errors import FleetError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedRWPair
    from pathlib import Path

TIMEOUT_S = 30.0


class Qmp:
    """A connection past its greeting. QEMU serves one at a time, so keep it short."""

    def __init__(self, lines: BufferedRWPair) -> None:
        self._lines = lines
        self._read()
        self.execute("qmp_capabilities")

    def _read(self) -> dict[str, Any]:
        line = self._lines.readline()
        if not line:
            raise FleetError("QEMU closed its control socket: kvmlab fleet down clears the rest.")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def execute(self, command: str, **arguments: Any) -> Any:  # noqa: ANN401
        """Return what QEMU answers to `command`. Raises FleetError with QEMU's own words."""
        self._lines.write(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        self._lines.flush()
        while True:
            answer = self._read()
            if "error" in answer:
                raise FleetError(f"QEMU refused {command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
            # Events may come in between; nothing here waits for one.

    def human(self, line: str) -> str:
        return str(self.execute("human-monitor-command", **{"command-line": line}))


@contextmanager
def qmp(path: Path) -> Iterator[Qmp]:
    """Connect to the control socket `path`. Raises FleetError when nobody answers."""
    # A socket's name may have 107 bytes; a cache directory may be deeper than that.
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(TIMEOUT_S)
            connection.connect(f"/proc/self/fd/{folder}/{path.name}")
            with connection.makefile("rwb") as lines:
                yield Qmp(lines)
    except OSError as error:
        raise FleetError(f"QEMU does not answer on {path}: {error}.") from error
    finally:
        os.close(folder)
