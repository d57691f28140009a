"""Series over nights: what is in them, what is not, and where they begin anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lab.history import index
from lab.history.runs import Published
from lab.history.series import Series, series
from lab.history.store import Store
from lab.results import load
from tests import synthetic
from tests.lab.history import nights
from tests.lab.history.nights import REFERENCE


@pytest.fixture
def local(tmp_path: Path) -> Store:
    return Store.make(str(tmp_path / "store"), "synthetic", tmp_path / "cache")


def only(store: Store, **where: str) -> Series:
    (found,) = series(store, setting=REFERENCE, metric="wakeup_p50_ns", **where)
    return found


def test_a_series_has_the_trials_of_every_night(store: Store, tmp_path: Path) -> None:
    for number, blocks in ((0, 2), (1, 3)):
        nights.add(store, tmp_path, number, blocks=blocks, overhead=True)
    found = only(store)
    assert found.key.host == "synthetic"
    assert found.key.clock_class == "hardware"
    assert found.unit == "ns"
    assert found.nights == (nights.name(0), nights.name(1))
    assert found.trials.shape == (2, 3)
    trials = load(found.runs[1], store=tmp_path).trials
    mine = trials[(trials["setting"] == REFERENCE) & (trials["metric"] == "wakeup_p50_ns")]
    mine = mine[~mine["warmup"] & (mine["probes"] == "halts")].sort_values("block")
    assert found.trials[1].tolist() == mine["value"].tolist()
    assert np.isnan(found.trials[0]).tolist() == [False, False, True]
    assert not found.resets.any()


def test_series_are_told_apart_by_every_part_of_their_key(local: Store, tmp_path: Path) -> None:
    nights.add(local, tmp_path, 0, hosts={"a": "hardware", "b": "nested"})
    nights.add(local, tmp_path, 1, hosts={"a": "nested", "b": "nested"})
    found = series(local, metric="wakeup_p50_ns", setting=[REFERENCE, synthetic.label(0)])
    keys = [(each.key.host, each.key.clock_class, len(each.nights)) for each in found]
    assert keys == [
        *[("a", "hardware", 1)] * 2, *[("a", "nested", 1)] * 2, *[("b", "nested", 2)] * 2,
    ]  # fmt: skip
    assert len({each.key for each in found}) == len(found)
    with pytest.raises(TypeError, match="flavour is no part of a series' key"):
        series(local, flavour="pvm")


def test_a_confirming_run_is_no_night(local: Store, tmp_path: Path) -> None:
    nights.add(local, tmp_path, 0)
    nights.add(local, tmp_path, 1, role="confirm")
    assert only(local).nights == (nights.name(0),)


def test_only_a_new_night_is_read(
    local: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []
    build = index.build

    def noted(run: Published, folder: Path) -> pd.DataFrame:
        built.append(run.run)
        return build(run, folder)

    monkeypatch.setattr(index, "build", noted)
    first = nights.add(local, tmp_path, 0)
    only(local)
    only(local)
    second = nights.add(local, tmp_path, 1)
    before = only(local)
    assert built == [first.run, second.run]
    # Rebuilt at will, to the same.
    for file in (local.cache / "index").iterdir():
        file.unlink()
    again = only(local)
    assert again.trials.tolist() == before.trials.tolist()
    assert built == [first.run, second.run] * 2


def test_an_empty_store_has_no_series(local: Store) -> None:
    assert series(local) == []


def test_a_series_begins_anew_at_a_break_that_concerns_it(local: Store, tmp_path: Path) -> None:
    def microcode(facts: dict[str, Any]) -> None:
        facts["microcode"] = "0x2"

    def kernel(facts: dict[str, Any]) -> None:
        microcode(facts)
        facts["kernel"] = "6.19.0-synthetic"

    changes = [nights.nothing, microcode, microcode, kernel]
    for number, change in enumerate(changes):
        nights.add(local, tmp_path, number, change, hosts={"a": "hardware"})
    # Nobody knew the microcode before: that is no change.
    assert not only(local).resets.any()

    def newer(facts: dict[str, Any]) -> None:
        kernel(facts)
        facts["microcode"] = "0x3"

    nights.add(local, tmp_path, 4, newer, hosts={"a": "hardware", "b": "hardware"})
    first = only(local, host="a")
    assert first.resets.tolist() == [False, False, False, False, True]
    assert [each.text for each in first.breaks] == [
        "kernel: 6.18.0-synthetic #1 → 6.19.0-synthetic #1",
        "microcode: 0x2 → 0x3",
    ]
    assert [each.restarts for each in first.breaks] == [False, True]
    assert only(local, host="b").breaks == ()
