"""results/path_length.md says what the recorded runs say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lab.path_length import WAYS, hosts, table
from lab.paths import RESULTS

if TYPE_CHECKING:
    from pathlib import Path

STORE = RESULTS / "recorded"
EXITS = [index for index, way in enumerate(WAYS) if way.workload != "halt"]


def test_the_document_has_the_table_that_the_recorded_runs_give() -> None:
    assert table(STORE) in (RESULTS / "path_length.md").read_text()


def test_ten_trials_spread_by_less_than_a_thousandth_in_instructions_per_exit() -> None:
    for host in hosts(STORE):
        for length in (host.lengths[index] for index in EXITS):
            assert length is not None
            assert length.trials >= 10
            assert length.spread < 0.001


def test_there_are_three_architectures_and_a_second_kernel() -> None:
    recorded = hosts(STORE)
    assert len({host.flavour for host in recorded}) == 3
    assert len({host.kernel for host in recorded if host.flavour == "svm"}) == 2


def test_times_of_another_clock_are_not_taken_for_instructions(tmp_path: Path) -> None:
    recorded = next(path for path in STORE.glob("*-path_length"))
    copy = tmp_path / recorded.name
    copy.mkdir()
    for file in recorded.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    manifest = json.loads((copy / "manifest.json").read_text())
    for host in manifest["hosts"].values():
        host["facts"]["clock_class"] = "emulated"
    (copy / "manifest.json").write_text(json.dumps(manifest))
    assert hosts(tmp_path) == []
