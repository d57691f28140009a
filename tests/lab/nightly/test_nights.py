"""Nights one after the other: silence, a regression with its whole life, and troubles."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lab import alerts
from lab.alerts import Book, State
from lab.detect import Rule
from lab.errors import Exit, StoreError, UsageError
from lab.history.runs import published
from lab.history.series import series
from lab.history.store import Store
from lab.nightly.model import Criteria
from lab.report.site import Site
from lab.store.read import read_run
from tests.lab.nightly.world import METRIC, World, twice


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path / "world")
    made.install(monkeypatch)
    return made


def store(world: World) -> Store:
    return Store.find(str(world.folder / "store"))


def test_without_history_a_night_is_inconclusive_and_then_quiet(world: World) -> None:
    for number in range(10):
        verdict = world.night(number)
        assert verdict.exit is Exit.INCONCLUSIVE, verdict
        assert "series can be judged yet: more than 10 nights are needed" in verdict.sentence
    verdict = world.night(10)
    assert verdict.exit is Exit.OK
    assert verdict.sentence == "2026-01-11: 2 series, none of them moved for the worse"
    assert world.sent == []
    assert len(published(store(world))) == 11


def test_a_regression_is_found_confirmed_told_acknowledged_and_closed(world: World) -> None:
    world.change(reboot=["a"])
    for number in range(12):
        world.night(number)
    world.change(factor=1.3)
    verdict = world.night(12)
    assert verdict.exit is Exit.REGRESSION, verdict
    (alert,) = Book.read(store(world)).active
    assert alert.state is State.CONFIRMED
    assert alert.since == "2026-01-13"
    assert len(world.sent) == 1
    # Only the suspicious cells and their reference ran again, on a fresh boot.
    (again,) = (run for run in published(store(world)) if run.role == "confirm")
    rows = read_run(world.folder / "results" / again.run).rows["a"]
    assert len(rows) == 1 + 8 * len({row["setting"]["vm.halt_poll_ns"] for row in rows})
    assert {row["boot_id"] for row in rows} == {"boot-1"}
    alerts.acknowledge(
        store(world), alert.id, by="me", reason="seen", until=datetime.now(UTC) + timedelta(days=9)
    )
    assert world.night(13).exit is Exit.OK
    world.change(factor=1.0)
    assert [world.night(number).exit for number in (14, 15, 16)] == [Exit.OK] * 3
    assert Book.read(store(world)).active == []
    assert len(world.sent) == 2
    assert not twice(world.sent)
    assert not twice(world.ledger)


def test_a_spike_that_is_gone_when_run_again_is_not_told(world: World) -> None:
    for number in range(12):
        world.night(number)
    world.change(factor=1.3)
    world.before_repeating = {"factor": 1.0}
    assert world.night(12).exit is Exit.OK
    (alert,) = Book.read(store(world)).alerts.values()
    assert alert.resolution is not None
    assert alert.resolution.how == "unconfirmed"
    assert world.sent == []


def test_what_could_not_be_run_again_is_tried_again_the_next_night(world: World) -> None:
    for number in range(12):
        world.night(number)
    world.change(factor=1.3)
    world.before_repeating = {"faults": {"a": "unreachable"}}
    verdict = world.night(12)
    assert verdict.exit is Exit.FAILURE
    assert "a: unreachable: the fake is unreachable" in verdict.sentence
    assert [alert.state for alert in Book.read(store(world)).active] == [State.OPEN]
    assert world.sent == []
    world.before_repeating = {}
    world.change(faults={})
    assert world.night(13).exit is Exit.REGRESSION
    assert len(world.sent) == 1


def test_a_night_that_has_ended_says_the_same_again(world: World) -> None:
    first = world.night(0)
    ran = world.ledger
    assert world.night(0) == first
    assert world.ledger == ran


def test_a_night_in_which_nothing_could_run_is_told_and_can_be_begun_again(world: World) -> None:
    world.change(faults={"a": "unsupported"})
    verdict = world.night(0)
    assert verdict.exit is Exit.NOTHING_TO_RUN
    assert verdict.sentence == (
        "2026-01-01: nothing could run: a: unsupported: the fake is unsupported"
    )
    assert len(world.sent) == 1
    world.change(faults={})
    assert world.night(0).exit is Exit.INCONCLUSIVE
    world.night(1)
    assert Book.read(store(world)).active == []


def test_a_host_that_is_away_is_told_once_and_the_others_are_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path / "world", ["a", "b"])
    world.install(monkeypatch)
    world.change(faults={"b": "unreachable"})
    for number in (0, 1):
        verdict = world.night(number)
        assert verdict.exit is Exit.FAILURE
        assert "b: unreachable: the fake is unreachable" in verdict.sentence
    assert len(world.sent) == 1
    world.change(faults={})
    world.night(2)
    assert Book.read(store(world)).active == []


def test_the_store_keeps_every_nights_verdict(world: World) -> None:
    verdicts = [world.night(number) for number in range(2)]
    events = [
        json.loads(path.read_text())["events"][0]
        for path in sorted((world.folder / "store" / "nights" / "night").iterdir())
    ]
    assert [(each["night"], each["sentence"]) for each in events] == [
        (each.night, each.sentence) for each in verdicts
    ]


def test_a_night_on_s3_is_as_one_on_a_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3_url: str
) -> None:
    world = World(tmp_path / "world")
    world.install(monkeypatch)
    path = world.folder / "night.toml"
    path.write_text(path.read_text().replace('"store"', f'"{s3_url}"'))
    assert world.night(0).exit is Exit.INCONCLUSIVE
    assert world.night(1).exit is Exit.INCONCLUSIVE
    far = Store.find(s3_url, tmp_path / "elsewhere")
    assert [run.night for run in published(far)] == ["2026-01-01", "2026-01-02"]
    assert [each.nights for each in series(far, metric=METRIC)] == [
        ("2026-01-01", "2026-01-02")
    ] * 2


def test_a_night_leaves_pages_judged_as_it_was(world: World) -> None:
    verdict = world.night(0)
    site = world.folder / "state" / "night" / "site"
    assert verdict.sentence in (site / "index.html").read_text()
    assert (site / "plotly.min.js").is_file()
    (site / "trend-of-another-time-01234567.html").touch()
    (site / "notes.html").write_text("somebody's own")
    for number in range(1, 11):
        verdict = world.night(number)
    overview = (site / "index.html").read_text()
    assert verdict.sentence in overview
    assert Site.of(store(world)).view.criteria == Criteria((METRIC,), Rule(minimum_effect=0.05))
    assert "what counts begins at 5 %" in overview
    assert not (site / "trend-of-another-time-01234567.html").exists()
    assert (site / "notes.html").exists()


def test_a_night_that_could_not_run_leaves_pages_that_say_so(world: World) -> None:
    world.change(faults={"a": "unsupported"})
    verdict = world.night(0)
    overview = (world.folder / "state" / "night" / "site" / "index.html").read_text()
    assert verdict.sentence in overview
    assert "did not run as planned" in overview


def test_a_night_that_was_cut_off_in_its_report_only_reports(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(*_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Site, "write", cut_off)
        with pytest.raises(StoreError):
            world.night(0)
    ran = world.ledger
    verdict = world.night(0)
    assert verdict.sentence in (world.folder / "state/night/site/index.html").read_text()
    assert world.ledger == ran
    with monkeypatch.context() as patch:
        patch.setattr(Site, "write", cut_off)
        with pytest.raises(StoreError):
            world.night(1)
    # The next night is not kept by it, and nobody is told that one broke off.
    path = world.folder / "night.toml"
    path.write_text("give_up_h = 0.00001\n" + path.read_text())
    assert world.night(2).exit is Exit.INCONCLUSIVE
    assert Book.read(store(world)).alerts == {}
    assert len(list((world.folder / "store" / "nights" / "night").glob("[0-9]*"))) == 3


def test_pages_that_cannot_be_left_are_told_before_anything_runs(world: World) -> None:
    path = world.folder / "night.toml"
    path.write_text('site = "world.json"\n' + path.read_text())
    with pytest.raises(UsageError, match="world.json cannot be made .*another folder"):
        world.night(0)
    assert world.ledger == []
