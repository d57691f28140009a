"""Reads a run folder back, or says in one sentence why not.

Nothing is skipped: a broken line refuses its whole file, because a run with a
silent gap compares settings on different trials. The sentence names file and
line; without that line, `kvmlab run --resume` measures just that trial again.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.errors import StoreError, UsageError
from lab.paths import RESULTS
from lab.store.layout import MANIFEST, PLAN, SCHEMA, Document, rows_file

TRIAL_KEYS = {"trial", "block", "warmup", "setting", "workload", "status"}


@dataclass(frozen=True)
class Run:
    """One run, read whole; the documents are as in `results/FORMAT.md`."""

    path: Path
    manifest: Document
    plan: Document
    rows: Mapping[str, tuple[Document, ...]]
    """Trials by host, in the order they ran; empty for a host that has none yet."""

    @property
    def name(self) -> str:
        return str(self.manifest["run"])

    def facts(self, host: str) -> Document:
        """Facts of a host; empty when the host never answered."""
        return self.manifest["hosts"][host].get("facts") or {}


def find_run(run: str | Path, store: Path = RESULTS) -> Path:
    """Folder of a run, given by name inside `store` or by path.

    Raises UsageError when there is none.
    """
    for candidate in (store / run, Path(run)):
        if (candidate / MANIFEST).is_file():
            return candidate.resolve()
    names = [path.name for path in runs(store)]
    known = f"it has {', '.join(names[-5:])}" if names else "it has no runs, `kvmlab run` makes one"
    raise UsageError(f"no run {str(run)!r} in {store}: {known}")


def runs(store: Path = RESULTS) -> list[Path]:
    """Folders of all runs of a store, oldest first."""
    if not store.is_dir():
        return []
    # A hidden folder is a run being made.
    return sorted(manifest.parent.resolve() for manifest in store.glob(f"[!.]*/{MANIFEST}"))


def read_run(run: str | Path, store: Path = RESULTS) -> Run:
    """Read manifest, plan and every host's rows; StoreError names what is wrong and where."""
    path = find_run(run, store)
    manifest = read_manifest(path)
    rows = {host: _rows_of(path, host, entry) for host, entry in manifest["hosts"].items()}
    return Run(path=path, manifest=manifest, plan=read_plan(path), rows=rows)


def read_manifest(run: Path) -> Document:
    manifest = _read_json(run / MANIFEST)
    for key in ("run", "hosts", "state"):
        if key not in manifest:
            raise StoreError(f"{run / MANIFEST} has no {key!r}: it is no manifest of kvmlab")
    return manifest


def read_plan(run: Path) -> Document:
    return _read_json(run / PLAN)


def read_rows(path: Path) -> tuple[Document, ...]:
    """Trials of one `<host>.jsonl.gz`, sorted by trial number.

    Raises StoreError for a broken line (with its number), a file that ends too
    early, an unknown schema, and a trial that is there twice.
    """
    seen: dict[int, int] = {}
    rows = []
    for number, line in _lines(path):
        row = _parse(line, path, number)
        if lacking := TRIAL_KEYS - row.keys():
            keys = ", ".join(sorted(lacking))
            raise StoreError(f"{path} line {number} lacks {keys}: {_mend(path)}")
        first = seen.setdefault(row["trial"], number)
        if first != number:
            raise StoreError(
                f"{path} has trial {row['trial']} twice, in lines {first} and {number}: "
                "remove one of them"
            )
        rows.append(row)
    return tuple(sorted(rows, key=lambda row: int(row["trial"])))


def _rows_of(run: Path, host: str, entry: Document) -> tuple[Document, ...]:
    path = rows_file(run, host)
    if path.is_file():
        return read_rows(path)
    if entry["state"] == "complete":
        raise StoreError(
            f"{path} is missing, though {MANIFEST} calls {host} complete: "
            f"`kvmlab run --resume {run.name}` fetches it again"
        )
    return ()


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    if not path.stat().st_size:
        raise StoreError(f"{path} is empty: {_fetch_again(path)}")
    number = 0
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, line
    except (EOFError, zlib.error, gzip.BadGzipFile, UnicodeDecodeError) as error:
        raise StoreError(
            f"{path} is cut off or damaged after line {number} ({error}): {_fetch_again(path)}"
        ) from error


def _parse(text: str, path: Path, line: int) -> Document:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise StoreError(
            f"{path} line {line} is broken at column {error.colno} ({error.msg}): {_mend(path)}"
        ) from error
    return checked(document, f"{path} line {line}")


def _read_json(path: Path) -> Document:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StoreError(
            f"{path} is missing and the run cannot be read without it: restore it"
        ) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} is broken ({error}): restore it") from error
    return checked(document, str(path))


def checked(document: object, where: str) -> Document:
    if not isinstance(document, dict):
        raise StoreError(f"{where} is no JSON object: it was not written by kvmlab")
    if document.get("schema") != SCHEMA:
        raise StoreError(
            f"{where} has schema {document.get('schema')!r} and this kvmlab reads {SCHEMA}: "
            "use the kvmlab that wrote it"
        )
    return document


def _mend(path: Path) -> str:
    return f"remove it, and `kvmlab run --resume {path.parent.name}` measures that trial again"


def _fetch_again(path: Path) -> str:
    return f"remove it, and `kvmlab run --resume {path.parent.name}` fetches it again"
