"""What people do to alerts, alone and all at once."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta

import pytest

from lab import alerts
from lab.alerts import Alert, Book, State
from lab.alerts.book import log
from lab.alerts.people import lapse
from lab.errors import UsageError
from lab.history.store import Store
from tests.alerts import NOW, SINCE, Night, change

UNTIL = NOW + timedelta(days=7)
WORKERS, TURNS = 8, 6


def test_an_acknowledgement_ends_with_its_time(store: Store, confirmed: Alert) -> None:
    alerts.acknowledge(store, confirmed.id, by="ada", reason="bisecting", until=UNTIL)
    assert lapse(store, UNTIL - timedelta(minutes=1)) == []
    assert Book.read(store)[confirmed.id].state is State.ACKNOWLEDGED
    (entry,) = lapse(store, UNTIL)
    alert = Book.read(store)[confirmed.id]
    assert (alert.state, alert.notice) == (State.CONFIRMED, entry.number)


def test_an_acknowledgement_is_no_answer_to_something_worse(store: Store, confirmed: Alert) -> None:
    alerts.acknowledge(store, confirmed.id, by="ada", reason="bisecting", until=UNTIL)
    alerts.update(store, "2026-03-11", [change(1.13)], Night())
    assert Book.read(store)[confirmed.id].state is State.ACKNOWLEDGED, "the intervals overlap"
    alerts.update(store, "2026-03-12", [change(1.3)], Night())
    assert Book.read(store)[confirmed.id].state is State.CONFIRMED


def test_an_acknowledgement_does_not_cover_another_host(store: Store, confirmed: Alert) -> None:
    alerts.acknowledge(store, confirmed.id, by="ada", reason="bisecting", until=UNTIL)
    alerts.update(store, "2026-03-11", [change(), change(host="synthetic-b")], Night())
    assert Book.read(store)[confirmed.id].state is State.CONFIRMED


def test_what_is_confirmed_later_stays_acknowledged(store: Store) -> None:
    alerts.update(store, SINCE, [change()], Night())
    alerts.acknowledge(store, "A1", by="ada", reason="I know", until=UNTIL)
    alerts.confirm(store, "A1", SINCE, stands=True, evidence="+12 %")
    assert Book.read(store)["A1"].state is State.ACKNOWLEDGED


def test_what_is_resolved_takes_nothing_more(store: Store, confirmed: Alert) -> None:
    alerts.resolve(store, confirmed.id, by="ada", reason="wanted")
    with pytest.raises(UsageError, match=r"A1 is resolved \(wanted, by ada\)"):
        alerts.acknowledge(store, confirmed.id, by="bob", reason="late", until=UNTIL)
    with pytest.raises(UsageError, match="A1 is resolved"):
        alerts.resolve(store, confirmed.id, by="bob", reason="late")


def test_an_unknown_alert_is_named(store: Store, confirmed: Alert) -> None:
    with pytest.raises(UsageError, match=f"there is no alert A9: {confirmed.id}"):
        alerts.resolve(store, "A9", by="ada", reason="?")


def worker(store: Store, number: int) -> list[str]:
    """Update, acknowledge and resolve what others work on; return what this one was told it did."""
    done: list[str] = []
    for turn in range(TURNS):
        night = f"2026-03-{10 + turn}"
        found = [change(host=f"synthetic-{number}", metric="cpu_share", setting=f"x={number}")]
        done += [entry.event.kind for entry in alerts.update(store, night, found, Night())]
        for name, alert in Book.read(store).alerts.items():
            reason = f"{number}/{turn}"
            try:
                if (turn, number) == (TURNS - 1, int(name[1:]) % WORKERS):
                    entries = alerts.resolve(store, name, by="test", reason=reason)
                elif alert.is_active:
                    entries = alerts.acknowledge(store, name, by="test", reason=reason, until=UNTIL)
                else:
                    continue
            except UsageError:
                # Somebody else resolved it since: told, and not recorded.
                continue
            done += [entry.event.kind for entry in entries]
    return done


def test_many_processes_at_once_lose_nothing_and_break_no_order(store: Store) -> None:
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(WORKERS, mp_context=fork) as pool:
        done = [
            each
            for answer in pool.map(worker, [store] * WORKERS, range(WORKERS))
            for each in answer
        ]
    events = log(store).events()
    assert sorted(done) == sorted(event["kind"] for event in events)
    book = Book.read(store)
    series = [change.series for alert in book.alerts.values() for change in alert.changes]
    assert len(series) == len(set(series)) == WORKERS, "each series is in one alert"
    resolved = [event["alert"] for event in events if event["kind"] == "resolved"]
    assert len(resolved) == len(set(resolved)) > 0
    for name in resolved:
        kinds = [event["kind"] for event in events if event["alert"] == name]
        assert "acknowledged" not in kinds[kinds.index("resolved") :]
