"""What a host shows against itself is no change: to neither judge, and whoever asks says why."""

from __future__ import annotations

from pathlib import Path

import pytest

import lab
from lab import alerts
from lab.alerts.words import message
from lab.detect import Rule
from lab.history.runs import publish
from lab.history.store import Store
from lab.nightly.judge import History
from lab.nightly.model import Criteria
from lab.report.site import Site
from lab.stats import compare
from lab.store.read import read_rows
from tests import synthetic
from tests.lab.history import nights

METRIC = "wakeup_p50_ns"
LAST, SLOWER = 15, 13
CRITERIA = Criteria((METRIC,), Rule(minimum_effect=0.1))


def made(folder: Path, arm: float | None) -> Store:
    """Publish nights that get 30 % slower; the A/A arm is off by `arm`, to and fro."""
    store = Store.make(str(folder / "store"), "synthetic", folder / "cache")
    for number in range(LAST + 1):
        run = nights.write(
            folder, number, settings=[synthetic.REFERENCE], blocks=6, aa=arm is not None
        )
        rows = read_rows(run / "synthetic.jsonl.gz")
        for row in rows:
            factor = 1.3 if number >= SLOWER else 1.0
            if row["aa"]:
                factor *= (arm or 1.0) ** (1 if number % 2 else -1)
            row["guest"]["latency_ns"] = [int(factor * ns) for ns in row["guest"]["latency_ns"]]
        synthetic.write_rows(run, "synthetic", rows)
        publish(store, run, nights.name(number))
    return store


@pytest.mark.parametrize(
    ("arm", "found", "least", "why"),
    [
        (None, True, 0.1, "the least effect asked for"),
        (1.0, True, 0.1, "the least effect asked for"),
        (1.1, True, 0.15, "A/A arm of 16 nights"),
        (1.3, False, 0.5, "A/A arm of 16 nights"),
    ],
)
def test_a_change_below_what_the_arm_shows_is_none(
    tmp_path: Path, arm: float | None, *, found: bool, least: float, why: str
) -> None:
    history = History(made(tmp_path, arm), nights.name(LAST), CRITERIA)
    (floor,) = history.floors.values()
    assert floor.why == why
    assert least <= floor.share < 2 * least
    judged = history.judge()
    assert bool(judged.found) is found
    (judgement,) = (each for _, each in judged.judgements)
    # No smaller change is said to be one that would have been seen.
    assert (judgement.detectable or 0) >= 1 + floor.share
    table = lab.nights(history.store.url, "synthetic", [METRIC]).judge(CRITERIA.rule)
    assert table["floor"].tolist() == [pytest.approx(floor.share)]
    assert table["state"].notna().tolist() == [found]


def test_alerts_and_the_overview_say_which_floor_it_was(tmp_path: Path) -> None:
    history = History(made(tmp_path, 1.1), nights.name(LAST), CRITERIA)
    ((key, finding),) = history.judge().found
    text = history.floors[key].text
    alerts.update(history.store, history.night, [history.change(key, finding)], history)
    (alert,) = alerts.Book.read(history.store).active
    assert f"what counts begins at {text}" in message(alert).text
    overview = Site.of(history.store, CRITERIA).pages["index.html"]()
    assert f"<td>{text}</td>" in overview


def test_the_index_keeps_what_comparing_a_run_shows_of_its_arm(tmp_path: Path) -> None:
    store = made(tmp_path, 1.1)
    history = History(store, nights.name(0), CRITERIA)
    (floor,) = history.floors.values()
    trials = lab.load(history.runs[0].run, store=tmp_path).trials
    settings = trials.assign(setting=trials["setting"].mask(trials["aa"], "twin"), aa=False)
    (twin,) = compare(settings, nights.REFERENCE, metrics=[METRIC])
    assert twin.low
    assert floor.why == "A/A arm of 1 night"
    # Values read from no buckets: the interval is the arm's own.
    assert 1 + floor.share == pytest.approx(max(twin.high or 0, 1 / twin.low), rel=0.01)
