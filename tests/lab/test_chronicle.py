"""Nights as a notebook reads them, made up and from a store."""

from __future__ import annotations

from pathlib import Path

import pytest

import lab
from lab.detect import Break
from lab.detect.synthetic import Change, Recipe, synthesize
from lab.errors import UsageError
from lab.history.store import Store
from tests.lab.history import nights as made_up

STEP = Recipe(changes=(Change(night=40, size=0.08),), nights=44)


def test_a_step_is_said_as_it_was_known_on_each_night() -> None:
    nights = lab.Nights(synthesize(STEP, seed=3).history())
    last = nights.judge().iloc[0]
    assert (last["state"], last["since"]) == ("to confirm", "2026-02-10")
    assert last["low"] < 1.08 < last["high"]
    before = nights.until("2026-02-09").judge().iloc[0]
    assert before["state"] is None
    assert 1 < before["detectable"] < 1.08


def test_a_break_is_drawn_and_not_crossed() -> None:
    history = synthesize(STEP, seed=3).history()
    night = history["night"].max().date().replace(day=10)
    broken = lab.Nights(history, (Break(night, "new microcode"),))
    assert broken.judge().iloc[0]["state"] is None
    (plain,), (marked,) = (each.plot() for each in (lab.Nights(history), broken))
    assert [len(trace.x) for trace in plain.data] == [2, 2, 40, 4]
    assert [len(trace.x) for trace in marked.data] == [44, 0, 1]
    assert marked.data[-1].customdata[0] == "new microcode"


def test_nights_of_a_store(tmp_path: Path) -> None:
    store = Store.make(str(tmp_path / "store"), "synthetic", tmp_path / "cache")
    run = made_up.add(store, tmp_path, 0)
    made_up.add(store, tmp_path, 1)
    nights = lab.nights(store.url, run.experiment)
    assert nights.trials["night"].nunique() == 2
    few = nights.where(metric="wakeup_p50_ns", setting=made_up.REFERENCE)
    assert set(few.trials["metric"]) == {"wakeup_p50_ns"}
    assert "nights" in few.judge().iloc[0]["reason"]
    with pytest.raises(UsageError, match=f"measured 'gone': it has {run.experiment}"):
        lab.nights(store.url, "gone")
