from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import lab
from lab import table
from lab.errors import StoreError, UsageError
from lab.store import index
from lab.store.read import read_run
from tests import synthetic


@pytest.fixture
def no_building(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """From here on a table that is built, and not taken from the index, is an error."""

    def build(run: object) -> pd.DataFrame:
        raise AssertionError(f"{run} was built again")

    monkeypatch.setattr(table, "tidy", build)
    return monkeypatch


def file_of(run: Path) -> Path:
    return run.parent / ".index" / f"{run.name}.parquet"


def test_what_comes_back_is_what_was_built(spoilt: Path, request: pytest.FixtureRequest) -> None:
    built = index.cached(spoilt, spoilt.parent)
    request.getfixturevalue("no_building")
    pd.testing.assert_frame_equal(index.cached(spoilt, spoilt.parent), built)
    pd.testing.assert_frame_equal(built, read_tidy(spoilt))


def read_tidy(run: Path) -> pd.DataFrame:
    return pd.read_parquet(file_of(run))


def test_changed_rows_are_read_again(spoilt: Path) -> None:
    before = index.cached(spoilt, spoilt.parent)
    rows = read_run(spoilt).rows["synthetic"]
    synthetic.write_rows(spoilt, "synthetic", rows[:-1])
    after = index.cached(spoilt, spoilt.parent)
    assert set(before["trial"]) - set(after["trial"]) == {rows[-1]["trial"]}


def test_changed_definitions_make_it_stale(spoilt: Path, no_building: pytest.MonkeyPatch) -> None:
    no_building.undo()
    index.cached(spoilt, spoilt.parent)
    no_building.setattr(index, "code", lambda: "another definition")
    assert not index.is_fresh(file_of(spoilt), index._stamp(spoilt))


def test_a_damaged_index_is_built_again(spoilt: Path) -> None:
    whole = index.cached(spoilt, spoilt.parent)
    file_of(spoilt).write_bytes(b"PAR1 but not really")
    pd.testing.assert_frame_equal(index.cached(spoilt, spoilt.parent), whole)
    assert index.is_fresh(file_of(spoilt), index._stamp(spoilt))


def test_a_store_that_cannot_hold_an_index_can_be_read(spoilt: Path) -> None:
    (spoilt.parent / ".index").write_text("in the way")
    assert len(index.cached(spoilt, spoilt.parent))
    with pytest.raises(StoreError, match="the index needs a writable store"):
        lab.query("select 1", store=spoilt.parent)


def test_sql_sees_all_runs(spoilt: Path) -> None:
    synthetic.write_run(
        spoilt.parent,
        "20260202-000000-synthetic",
        settings=[{"host.halt_poll_ns_grow": 4}],
        reference={"host.halt_poll_ns_grow": 4},
        workloads=[synthetic.EXIT],
        blocks=2,
    )
    answer = lab.query(
        """select run, count(distinct trial) as trials, max("host.halt_poll_ns_grow") as grow
           from trials where not warmup group by run order by run""",
        store=spoilt.parent,
    )
    assert answer["run"].tolist() == [spoilt.name, "20260202-000000-synthetic"]
    assert answer["trials"].tolist() == [5 * 5 * 6, 2]
    assert answer["grow"].tolist()[1] == 4


def test_sql_agrees_with_pandas(store: Path) -> None:
    trials = lab.load("20260101-000000-synthetic", store=store).trials
    answer = lab.query("select median(value) as m from trials where metric = 'cpu_share'", store)
    expected = trials.loc[trials["metric"] == "cpu_share", "value"].median()
    assert answer["m"].item() == pytest.approx(expected)


def test_the_index_of_a_run_that_is_gone_is_not_seen(spoilt: Path) -> None:
    lab.query("select 1", store=spoilt.parent)
    file_of(spoilt).rename(file_of(spoilt).with_name("gone.parquet"))
    answer = lab.query("select distinct run from trials", store=spoilt.parent)
    assert answer["run"].tolist() == [spoilt.name]


def test_bad_sql_and_an_empty_store_are_told_in_a_sentence(store: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="DuckDB refused the query"):
        lab.query("select nonsense from trials", store)
    with pytest.raises(StoreError, match="no runs in .*: `kvmlab run` makes one"):
        lab.query("select 1", tmp_path)
