"""Runs come back from a store as they went in, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import StoreError
from lab.history.runs import fetch, publish, published
from lab.history.store import Store
from lab.store.read import read_run
from tests.lab.history import nights


def test_a_run_comes_back_as_it_was(store: Store, tmp_path: Path) -> None:
    source = nights.write(tmp_path, 0)
    made = publish(store, source, nights.name(0))
    assert published(store) == [made]
    folder = fetch(store, made)
    assert read_run(folder).rows == read_run(source).rows
    assert made.files.keys() == {
        "experiment.toml", "plan.json", "manifest.json", "synthetic.jsonl.gz",
    }  # fmt: skip
    # Once more changes nothing.
    assert publish(store, source, nights.name(0)) == made


def test_a_run_that_was_not_published_to_its_end_is_not_there(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = nights.write(tmp_path, 0)
    create, made = Store.create, 0

    def dying(self: Store, key: str, content: bytes) -> None:
        nonlocal made
        made += 1
        if made == 3:
            raise KeyboardInterrupt
        create(self, key, content)

    monkeypatch.setattr(Store, "create", dying)
    with pytest.raises(KeyboardInterrupt):
        publish(store, source, nights.name(0))
    monkeypatch.setattr(Store, "create", create)
    assert store.keys("runs")
    assert published(store) == []
    whole = publish(store, source, nights.name(0))
    assert published(store) == [whole]


def test_another_run_of_the_same_name_is_refused(store: Store, tmp_path: Path) -> None:
    publish(store, nights.write(tmp_path / "a", 0), nights.name(0))
    with pytest.raises(StoreError, match="is in .* already and differs"):
        publish(store, nights.write(tmp_path / "b", 0, blocks=3), nights.name(0))


def test_a_file_that_changed_in_the_store_is_refused(store: Store, tmp_path: Path) -> None:
    made = nights.add(store, tmp_path, 0)
    store.filesystem.pipe_file(f"{store.root}/runs/{made.run}/plan.json", b"{}")
    with pytest.raises(StoreError, match=r"plan\.json is not what was published"):
        fetch(store, made)


def test_runs_are_in_the_order_they_were_planned(store: Store, tmp_path: Path) -> None:
    for number in (2, 0, 1):
        nights.add(store, tmp_path, number)
    assert [run.night for run in published(store)] == [nights.name(n) for n in range(3)]
