"""Made-up nights, published as measured ones are; every run says `synthetic` in its name."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lab.history.runs import Published, Role, publish
from lab.history.store import Store
from tests import synthetic

FIRST = datetime(2026, 1, 1, 1, 15, tzinfo=UTC)
REFERENCE = synthetic.label(200_000)


def name(number: int) -> str:
    return f"{FIRST + timedelta(days=number):%Y-%m-%d}"


def nothing(_facts: dict[str, Any]) -> None:
    """Leave the facts of the host as they are."""


def write(
    folder: Path,
    number: int,
    change: Callable[[dict[str, Any]], None] = nothing,
    **options: Any,
) -> Path:
    """Write the run of night `number` into `folder`; `change` may alter the host's facts."""
    small: dict[str, Any] = {"workloads": [synthetic.FIXED_30US], "blocks": 2}
    run = synthetic.write_run(
        folder,
        f"{FIRST + timedelta(days=number):%Y%m%d-%H%M%S}-synthetic",
        seed=number,
        **(small | options),
    )
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["created_at"] = (FIRST + timedelta(days=number)).isoformat()
    for entry in manifest["hosts"].values():
        change(entry["facts"])
    (run / "manifest.json").write_text(json.dumps(manifest))
    return run


def add(
    store: Store,
    folder: Path,
    number: int,
    change: Callable[[dict[str, Any]], None] = nothing,
    role: Role = "night",
    **options: Any,
) -> Published:
    """Write the run of night `number` and publish it."""
    return publish(store, write(folder, number, change, **options), name(number), role)
