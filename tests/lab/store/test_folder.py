"""A run folder appears whole and only once, and knows what is left to do."""

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


@pytest.mark.parametrize(
    ("states", "left", "state"),
    [
        ({"a": "complete", "b": "complete"}, [], "complete"),
        # What a host lacks can be mended, and then a resume completes.
        ({"a": "complete", "b": "unsupported"}, ["b"], "partial"),
        ({"a": "partial", "b": "unreachable"}, ["a", "b"], "partial"),
        ({"a": "unsupported", "b": "unreachable"}, ["a", "b"], "failed"),
    ],
)
def test_a_run_is_complete_when_all_hosts_have_all_their_rows(
    tmp_path: Path, states: dict[str, str], left: list[str], state: str
) -> None:
    hosts: dict[str, list[object]] = {host: [] for host in states}
    run = "20181025-101500-q"
    plan = {"schema": SCHEMA, "run": run, "experiment": "q", "seed": 1, "hosts": hosts}
    folder = RunFolder.create(tmp_path / run, plan, b"", ["kvmlab"], {})
    for host, of_host in states.items():
        folder.host(host, of_host, None, None)
    assert folder.unfinished() == left
    assert folder.finish() == state
