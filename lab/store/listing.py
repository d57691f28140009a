"""The runs of a store at a glance, from manifests and plans alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lab.design.stages import through
from lab.errors import StoreError
from lab.paths import RESULTS
from lab.store.layout import Document
from lab.store.read import read_manifest, read_plan, runs

BROKEN = "broken"


@dataclass(frozen=True)
class RunSummary:
    """One run; `state` is `broken` where it cannot be read, and `error` says why."""

    run: str
    experiment: str | None
    created_at: str | None
    finished_at: str | None
    state: str
    hosts: Mapping[str, str]
    trials: int
    error: str | None

    def record(self) -> dict[str, Any]:
        return asdict(self)


def summaries(store: Path = RESULTS) -> list[RunSummary]:
    """All runs, newest first; one that cannot be read is listed as broken."""
    return [_summary(path) for path in reversed(runs(store))]


def _summary(path: Path) -> RunSummary:
    try:
        manifest, plan = read_manifest(path), read_plan(path)
    except StoreError as error:
        return RunSummary(path.name, None, None, None, BROKEN, {}, 0, str(error))
    return RunSummary(
        run=path.name,
        experiment=manifest.get("experiment"),
        created_at=manifest.get("created_at"),
        finished_at=manifest.get("finished_at"),
        state=manifest["state"],
        hosts={host: entry["state"] for host, entry in manifest["hosts"].items()},
        trials=sum(_trials(plan, host, entry) for host, entry in manifest["hosts"].items()),
        error="; ".join(e["error"] for e in manifest["hosts"].values() if e.get("error")) or None,
    )


def _trials(plan: Document, host: str, entry: Document) -> int:
    """Return how many trials a host has when it is done, as far as that is decided."""
    trials = plan["hosts"].get(host, [])
    looks = entry.get("looks", [])
    return through(trials, looks[-1]["next"] or looks[-1]["blocks"]) if looks else len(trials)
