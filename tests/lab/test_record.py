"""Records: new files only, a whole line for each interval."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.errors import LabError, UsageError
from lab.record import Record


def test_each_interval_is_a_line_as_soon_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    with Record(path) as record:
        for number in range(3):
            record.write({"interval": number})
            assert [json.loads(line) for line in path.read_text().splitlines()] == [
                {"interval": n} for n in range(number + 1)
            ]


def test_a_file_that_is_there_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    path.write_text("mine\n")
    with pytest.raises(UsageError, match="is there already"), Record(path):
        pass
    assert path.read_text() == "mine\n"


def test_without_a_path_nothing_is_written() -> None:
    with Record(None) as record:
        record.write({"interval": 0})


def test_a_full_disk_is_said() -> None:
    record = Record(None)
    record._path = Path("/dev/full")
    record._file = Path("/dev/full").open("w")  # noqa: SIM115  (closed by the failing flush)
    with pytest.raises(LabError, match="No space left on device"):
        record.write({"interval": 0})
    with pytest.raises(OSError, match="No space left"):
        record._file.close()
