"""Whole runs in a store: published when they have ended, fetched as the folders they were.

runs/<run>/…          the files of results/FORMAT.md that were written while it ran
published/<run>.json  written last: the run is there when this is, and its files are these
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from lab.errors import StoreError
from lab.history.conditions import Conditions, conditions
from lab.history.store import Store
from lab.store.layout import EXPERIMENT, MANIFEST, PLAN, rows_file
from lab.store.read import read_manifest

Role = Literal["night", "confirm"]
PUBLISHED = "published"


@dataclass(frozen=True)
class Published:
    """A run that is in a store.

    `files` maps the name of each of its files to its SHA-256, `conditions` each host to the
    conditions it was measured under (`lab.history.conditions`).

    `night` is the ISO date (UTC) of the night it was made in, `at` the instant it was planned. Runs
    with the role `confirm` looked again at what a night suspected and are no part of a series.
    """

    run: str
    night: str
    role: Role
    experiment: str
    at: str
    files: Mapping[str, str]
    conditions: Mapping[str, Conditions]


def publish(store: Store, folder: Path, night: str, role: Role = "night") -> Published:
    """Copy a run that has ended into the store; doing it again, or the rest of it, is no harm.

    Raises StoreError when a run of this name is there and differs.
    """
    manifest = read_manifest(folder)
    rows = [rows_file(folder, host) for host in manifest["hosts"]]
    sources = [folder / EXPERIMENT, folder / PLAN, folder / MANIFEST, *rows]
    contents = {path.name: path.read_bytes() for path in sources if path.is_file()}
    for name, content in contents.items():
        store.create(_key(folder.name, name), content)
    published = Published(
        run=folder.name,
        night=night,
        role=role,
        experiment=manifest["experiment"],
        at=_in_utc(manifest["created_at"]),
        files={name: _digest(content) for name, content in contents.items()},
        conditions=conditions(folder),
    )
    store.create_json(f"{PUBLISHED}/{folder.name}.json", asdict(published))
    return published


def published(store: Store) -> list[Published]:
    """Return all runs of the store, oldest first."""
    keys = store.keys(PUBLISHED)
    store.paths(keys)
    found = []
    for key in keys:
        document = store.read_json(key)
        del document["schema"]
        found.append(Published(**document))
    return sorted(found, key=lambda each: (each.at, each.run))


def fetch(store: Store, run: Published) -> Path:
    """Return a folder with the files of `run`, to be read and not to be written.

    Raises StoreError when a file is not what was published.
    """
    files = store.paths(_key(run.run, name) for name in run.files)
    for file, digest in zip(files, run.files.values(), strict=True):
        if _digest(file.read_bytes()) != digest:
            raise StoreError(f"{file} is not what was published in {store.url}: restore it")
    return files[0].parent


def _in_utc(instant: str) -> str:
    """Write an instant as all others are, so that their order is that of their text."""
    return datetime.fromisoformat(instant).astimezone(UTC).isoformat(timespec="seconds")


def _key(run: str, name: str) -> str:
    return f"runs/{run}/{name}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
