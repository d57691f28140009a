"""What every sink that is a file needs: a path written whole, or stdout."""

from __future__ import annotations

import sys
from pathlib import Path

from lab.alerts.delivery import SinkError
from lab.errors import StoreError
from lab.store.folder import write_atomic

STDOUT = Path("-")


def put(path: Path, content: bytes) -> None:
    """Write `path` so that no reader sees a part of it; `-` is stdout. Raises SinkError."""
    if path == STDOUT:
        sys.stdout.buffer.write(content)
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, content)
        # The readers are other users: node_exporter, a web server, a CI runner.
        path.chmod(0o644)
    except (OSError, StoreError) as error:
        raise SinkError(f"{path} cannot be written: {error}") from error
