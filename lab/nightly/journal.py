"""What of a night is done, a line for each step, so that a night that was killed goes on.

A step is done when its line is whole on the disk, and then never again. So a step must bear to be
begun again after it was cut off anywhere: it asks what is there (a run folder, an event in the
log, a document in the store) before it makes it.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.errors import StoreError, UsageError
from lab.store.folder import now
from lab.store.layout import SCHEMA, Document
from lab.store.read import checked


class Journal:
    """The steps of one night, in `<folder>/<night>.jsonl`."""

    def __init__(self, path: Path) -> None:
        """Read what is done, dropping a last line that was cut off.

        Raises StoreError for a journal that is damaged otherwise.
        """
        self.path = path
        self._done: dict[str, Document] = {}
        whole = path.read_bytes().rpartition(b"\n")[0] if path.exists() else b""
        for number, line in enumerate(whole.splitlines(), start=1):
            where = f"{path} line {number}"
            try:
                entry = checked(json.loads(line), where)
            except ValueError as error:
                raise StoreError(f"{where} is broken ({error}): remove the file") from error
            self._done[entry["step"]] = entry["result"]
        self._size = len(whole) + 1 if whole else 0

    @property
    def night(self) -> str:
        return self.path.stem

    def __contains__(self, step: str) -> bool:
        return step in self._done

    def __getitem__(self, step: str) -> Document:
        return self._done[step]

    def once(self, step: str, do: Callable[[], Document]) -> Document:
        """Return what `do` returned when this step was done: now, or before the night was killed.

        Raises what `do` raises, and StoreError when the disk refuses.
        """
        if step not in self._done:
            self._write(step, do())
        return self._done[step]

    def _write(self, step: str, result: Document) -> None:
        line = json.dumps({"schema": SCHEMA, "step": step, "at": now(), "result": result})
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                # What was cut off must not become the beginning of this line.
                file.truncate(self._size)
                file.write(line.encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
                self._size = file.tell()
        except OSError as error:
            raise StoreError(
                f"{self.path} cannot be written ({error.strerror}): make room, or give the "
                "configuration another `state`"
            ) from error
        # What was just written is what a resumed night will read.
        self._done[step] = json.loads(line)["result"]


class Journals:
    """The journals of all nights of one configuration, in a folder of their own.

    A night that has ended is moved to `ended/`: what is left is what a service goes on with.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other nights out, whatever ends this process; UsageError when one is under way."""
        try:
            (self._folder / "ended").mkdir(parents=True, exist_ok=True)
            lock = (self._folder / "lock").open("a")
        except OSError as error:
            raise UsageError(
                f"{self._folder} cannot be written ({error.strerror}): give the configuration "
                "another `state`"
            ) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(
                    f"another `kvmlab nightly` is at work and holds {lock.name}: wait for it to end"
                ) from None
            yield

    def unfinished(self) -> list[Journal]:
        """Return the nights that have not ended, oldest first."""
        return [Journal(path) for path in sorted(self._folder.glob("*.jsonl"))]

    def ended(self, night: str) -> Journal | None:
        """Return the journal of a night that has ended; None when there was no such night."""
        path = self._folder / "ended" / f"{night}.jsonl"
        return Journal(path) if path.exists() else None

    def begin(self, night: str) -> Journal:
        return Journal(self._folder / f"{night}.jsonl")

    def end(self, journal: Journal) -> None:
        """Lay the journal of a night by, in the place of an earlier one of that night."""
        journal.path.replace(self._folder / "ended" / journal.path.name)
