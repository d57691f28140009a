"""A record of what was observed: a new file, a line of JSON for each interval."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from lab.errors import LabError, UsageError


class Record:
    """The file, or nothing when no path is given; use it as a context.

    Each interval is one write at the end of the file: only the last line can ever be cut. Raises
    UsageError for a file that is there already, LabError when it cannot be written.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        if self._path:
            try:
                self._file = self._path.open("x", encoding="utf-8")
            except FileExistsError:
                raise UsageError(
                    f"{self._path} is there already, and nothing is written over: name a new file"
                ) from None
            except OSError as error:
                raise UsageError(f"{self._path} cannot be made: {error.strerror}") from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file:
            self._file.close()

    def write(self, document: dict[str, Any]) -> None:
        if not self._file:
            return
        try:
            self._file.write(json.dumps(document, separators=(",", ":")) + "\n")
            self._file.flush()
        except OSError as error:
            raise LabError(
                f"{self._path} cannot be written ({error.strerror}): what it holds so far is whole"
            ) from error
