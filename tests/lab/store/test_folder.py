"""A run folder appears whole, and only once."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import StoreError
from lab.store.folder import RunFolder
from lab.store.layout import SCHEMA


def test_two_runs_that_begin_in_one_second_are_not_mixed(tmp_path: Path) -> None:
    plan = {"schema": SCHEMA, "run": "20181025-101500-q", "experiment": "q", "seed": 1, "hosts": {}}
    path = tmp_path / "20181025-101500-q"
    RunFolder.create(path, plan, b"first", ["kvmlab"], {})
    with pytest.raises(StoreError, match="began 20181025-101500-q in the same second: start"):
        RunFolder.create(path, plan, b"second", ["kvmlab"], {})
    assert (path / "experiment.toml").read_bytes() == b"first"
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
