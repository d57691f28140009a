"""The life of an alert as nights make it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab import alerts
from lab.alerts import Alert, Book, Change, Standing, State
from lab.history.store import Store
from tests.alerts import NEW_KERNEL, SETTING, SINCE, Night, change

NEXT, THIRD = "2026-03-11", "2026-03-12"
BACK = Night(stands=Standing.GONE)


def states(store: Store) -> dict[str, State]:
    return {alert.id: alert.state for alert in Book.read(store).alerts.values()}


def test_a_change_for_the_worse_opens_an_alert_and_the_same_night_again_does_nothing(
    store: Store,
) -> None:
    assert [entry.event.kind for entry in alerts.update(store, SINCE, [change()], Night())] == [
        "opened"
    ]
    assert alerts.update(store, SINCE, [change()], Night()) == []
    assert states(store) == {"A1": State.OPEN}


def test_what_got_better_and_what_is_neither_opens_nothing(store: Store) -> None:
    better = change(0.8)
    neither = change(1.5, metric="poll_ns_per_wakeup")
    assert alerts.update(store, SINCE, [better, neither], Night()) == []


def test_the_next_night_updates_the_alert(store: Store, confirmed: Alert) -> None:
    (entry,) = alerts.update(store, NEXT, [change(1.3)], Night())
    assert entry.event.kind == "updated"
    alert = Book.read(store)[confirmed.id]
    assert (alert.state, alert.night, alert.changes[0].ratio) == (State.CONFIRMED, NEXT, 1.3)
    assert alert.notice == confirmed.notice


def test_correlated_metrics_and_hosts_are_one_alert(store: Store) -> None:
    found = [
        change(),
        change(metric="wakeup_p99_ns"),
        change(host="synthetic-b"),
        change(host="synthetic-c", metric="cpu_ns_per_wakeup", since="2026-03-09"),
        change(host="synthetic-d", metric="cpu_share", since="2026-01-01"),
    ]
    alerts.update(store, SINCE, found, Night())
    book = Book.read(store)
    # c began a night earlier and shares neither host nor metric, d began in another month.
    assert [len(alert.changes) for alert in book.alerts.values()] == [3, 1, 1]


def test_the_same_cause_makes_one_alert_of_hosts_and_metrics_that_share_nothing_else(
    store: Store,
) -> None:
    found = [change(), change(host="synthetic-b", metric="cpu_ns_per_wakeup")]
    alerts.update(store, SINCE, found, Night({SINCE: NEW_KERNEL}))
    assert len(Book.read(store).alerts) == 1


def test_a_further_step_is_an_alert_of_its_own_and_may_recover_alone(
    store: Store, confirmed: Alert
) -> None:
    later = "2026-03-20"
    # The judges' baseline begins anew at a change they are sure of.
    further = replace(change(1.1, since=later), before=11_200.0, after=12_320.0)
    for night in (later, "2026-03-21"):
        alerts.update(store, night, [further], Night())
    assert states(store) == {confirmed.id: State.CONFIRMED, "A2": State.OPEN}
    assert Book.read(store)[confirmed.id].changes == confirmed.changes
    assert Book.read(store)["A2"].previous == confirmed.id

    class Half(Night):
        def standing(self, change: Change) -> Standing:
            return Standing.GONE if change.since == later else Standing.STILL

    for night in ("2026-03-22", "2026-03-23"):
        alerts.update(store, night, [], Half())
    assert states(store) == {confirmed.id: State.CONFIRMED, "A2": State.RESOLVED}


def test_clock_classes_are_never_in_one_alert(store: Store) -> None:
    alerts.update(store, SINCE, [change(), change(clock_class="emulated")], Night())
    assert len(Book.read(store).alerts) == 2


def test_a_host_that_follows_later_joins_by_its_fingerprint(store: Store, confirmed: Alert) -> None:
    alerts.update(store, THIRD, [change(), change(host="synthetic-b", since=THIRD)], Night())
    book = Book.read(store)
    assert [change.series.host for change in book[confirmed.id].changes] == [
        "synthetic-a",
        "synthetic-b",
    ]
    assert len(book.alerts) == 1


def test_the_alert_says_what_changed_on_the_host(store: Store) -> None:
    alerts.update(store, SINCE, [change()], Night({SINCE: NEW_KERNEL}))
    (suspect,) = Book.read(store)["A1"].suspects
    assert suspect.fact == "kernel"
    assert suspect.commits == "v6.1.106..v6.1.112"


def test_it_closes_after_two_nights_at_the_old_level(store: Store, confirmed: Alert) -> None:
    assert confirmed.state is State.CONFIRMED
    alerts.update(store, NEXT, [], BACK)
    assert states(store) == {"A1": State.CONFIRMED}
    assert alerts.update(store, NEXT, [], BACK) == [], "the same night counts once"
    alerts.update(store, THIRD, [], BACK)
    alert = Book.read(store)["A1"]
    assert alert.state is State.RESOLVED
    assert alert.resolution
    assert alert.resolution.how == "recovered"


@pytest.mark.parametrize("between", [Standing.STILL, Standing.UNKNOWN])
def test_a_night_between_does_not_count_as_back(
    store: Store, confirmed: Alert, between: Standing
) -> None:
    alerts.update(store, NEXT, [], BACK)
    alerts.update(store, THIRD, [], Night(stands=between))
    alerts.update(store, "2026-03-13", [], BACK)
    closed = between is Standing.UNKNOWN
    assert states(store)[confirmed.id] is (State.RESOLVED if closed else State.CONFIRMED)


def test_silence_is_no_recovery(store: Store, confirmed: Alert) -> None:
    for night in (NEXT, THIRD, "2026-03-13"):
        assert alerts.update(store, night, [], Night()) == []
    assert states(store)[confirmed.id] is State.CONFIRMED


def test_an_old_change_point_is_no_news_and_a_later_one_is(store: Store, confirmed: Alert) -> None:
    alerts.resolve(store, confirmed.id, by="person", reason="wanted: commit 1234")
    assert alerts.update(store, NEXT, [change()], Night()) == []
    alerts.update(store, "2026-04-02", [change(), change(1.5, since="2026-04-01")], Night())
    book = Book.read(store)
    assert states(store) == {"A1": State.RESOLVED, "A2": State.OPEN}
    assert book["A2"].previous == "A1"


def test_what_a_repetition_does_not_show_closes_in_silence_and_may_come_again(
    store: Store,
) -> None:
    alerts.update(store, SINCE, [change()], Night())
    alerts.confirm(store, "A1", SINCE, stands=False, evidence="-0.1 % on 12 fresh VMs")
    assert states(store) == {"A1": State.RESOLVED}
    assert alerts.update(store, SINCE, [change()], Night()) == [], "not again the same night"
    alerts.update(store, NEXT, [change()], Night())
    assert states(store)["A2"] is State.OPEN


def test_confirming_twice_is_once(store: Store, confirmed: Alert) -> None:
    assert alerts.confirm(store, confirmed.id, SINCE, stands=True, evidence="again") == []


def test_a_night_that_could_not_run_is_said_once_and_closed_by_one_that_ran(store: Store) -> None:
    (first,) = alerts.trouble(store, SINCE, "no host answered")
    assert alerts.trouble(store, SINCE, "no host answered") == []
    alerts.trouble(store, NEXT, "no host answered")
    assert alerts.update(store, NEXT, [], Night()) == [], "some of that night did run"
    alert = Book.read(store)["A1"]
    assert (alert.state, alert.notice, alert.night) == (State.CONFIRMED, first.number, NEXT)
    alerts.update(store, THIRD, [], Night())
    assert states(store) == {"A1": State.RESOLVED}


def test_trouble_does_not_close_a_regression_nor_hide_one(store: Store, confirmed: Alert) -> None:
    alerts.trouble(store, NEXT, "no host answered")
    alerts.update(store, THIRD, [change(), change(metric="wakeup_p99_ns", setting="x=1")], Night())
    assert states(store) == {confirmed.id: State.CONFIRMED, "A2": State.RESOLVED}
    assert len(Book.read(store)[confirmed.id].changes) == 2
    assert SETTING in {each.series.setting for each in Book.read(store)[confirmed.id].changes}
