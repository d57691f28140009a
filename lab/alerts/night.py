"""What a night does to the alerts: opens, updates, confirms, closes.

Each function decides on the alerts as they are and adds its events in one piece; called again
for the same night it adds nothing, so that a night that was killed simply calls it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache

from lab.alerts.book import Book, append
from lab.alerts.events import (
    Confirmed,
    Entry,
    Event,
    Judged,
    Lapsed,
    Opened,
    Resolved,
    Troubled,
    Updated,
)
from lab.alerts.families import families
from lab.alerts.model import Alert, Change, Context, Night, Standing, Suspect
from lab.alerts.suspects import suspects
from lab.history.store import Store

LAB = "kvmlab"
NIGHTS_BACK = 2
"""Nights in a row at the old level that close an alert: one may be luck."""


def update(
    store: Store,
    night: Night,
    changes: Sequence[Change],
    context: Context,
    nights_back: int = NIGHTS_BACK,
) -> list[Entry]:
    """Take the changes that the judges see on `night`; return the events that were added.

    Only changes for the worse make alerts. One that an active alert has, or that has its
    fingerprint, updates it (`Book.holding`); others join the alert they are correlated with, or
    open one for each family. Alerts without a change tonight are closed when `context.standing`
    says `gone` of every series `nights_back` nights in a row. A night that ran closes the alerts
    of earlier ones that did not; one in trouble of its own is left to the next.
    """
    worse = [change for change in changes if change.is_worse]

    @cache
    def causes(change: Change) -> tuple[Suspect, ...]:
        host = change.series.host
        before = context.conditions(host, change.last_good)
        return suspects(host, before, context.conditions(host, change.since))

    standing = cache(context.standing)

    def decide(book: Book) -> Iterator[Event]:
        held: dict[str, list[Change]] = {}
        news = []
        for change in worse:
            if alert := book.holding(change):
                held.setdefault(alert.id, []).append(change)
            elif not book.is_settled(change, night):
                news.append(change)
        fresh = _placed(book, news, {change: causes(change) for change in _all(book, news)})
        for alert in book.active:
            mine = [*_unseen(alert, held.get(alert.id, []), night), *fresh.pop(alert.id, [])]
            if mine:
                found = tuple(each for change in mine for each in causes(change))
                yield Updated(alert.id, night, tuple(mine), tuple(dict.fromkeys(found)))
                yield from _outgrown(alert, mine)
            elif alert.id not in held:
                yield from _closing(alert, night, nights_back, standing)
        for name, family in fresh.items():
            found = tuple(dict.fromkeys(each for change in family for each in causes(change)))
            yield Opened(name, night, tuple(family), found, _previous(book, family))

    return append(store, decide)


def confirm(store: Store, alert: str, night: Night, *, stands: bool, evidence: str) -> list[Entry]:
    """Record what running its cells again on fresh VMs said of an open alert.

    It is confirmed, and will be sent; or resolved in silence, and may be found again another night.
    """

    def decide(book: Book) -> Iterable[Event]:
        known = book[alert]
        if not known.is_active or known.confirmation:
            return []
        if stands:
            return [Confirmed(alert, night, evidence)]
        return [Resolved(alert, night, "unconfirmed", LAB, evidence)]

    return append(store, decide)


def trouble(store: Store, night: Night, sentence: str) -> list[Entry]:
    """Record that a night could not run, and why; `update` of a night that ran closes it."""

    def decide(book: Book) -> Iterable[Event]:
        standing = next((each for each in book.active if each.trouble), None)
        if standing and standing.night >= night:
            return []
        return [Troubled(standing.id if standing else _name(book, 0), night, sentence)]

    return append(store, decide)


def _all(book: Book, news: Sequence[Change]) -> list[Change]:
    return [*(change for alert in book.active for change in alert.changes), *news]


def _placed(
    book: Book, news: Sequence[Change], causes: dict[Change, tuple[Suspect, ...]]
) -> dict[str, list[Change]]:
    """Give each family of new changes an alert: the oldest active one among them, or a new name."""
    owners = {change: alert.id for alert in book.active for change in alert.changes}
    placed: dict[str, list[Change]] = {}
    new = set(news)
    opened = 0
    for family in families(_all(book, news), causes):
        mine = [change for change in family if change in new]
        if not mine:
            continue
        near = [owners[change] for change in family if change in owners]
        mine_too = {change.series for change in mine}
        # A series is in an alert once.
        owner = next((each for each in near if not mine_too & book[each].series), None)
        if owner is None:
            owner, opened = _name(book, opened), opened + 1
        placed.setdefault(owner, []).extend(mine)
    return placed


def _name(book: Book, place: int) -> str:
    """Name a new alert by how many there were: two that are opened at once cannot share it."""
    return f"A{len(book.alerts) + place + 1}"


def _unseen(alert: Alert, changes: list[Change], night: Night) -> list[Change]:
    """Return what this night did not say of the alert yet."""
    return changes if alert.night < night else [c for c in changes if not alert.of(c.series)]


def _previous(book: Book, family: Sequence[Change]) -> str | None:
    """Return the last alert that had the same fingerprint as one of the family."""
    prints = {change.fingerprint for change in family}
    alike = [each.id for each in book.alerts.values() if each.fingerprints & prints]
    return alike[-1] if alike else None


def _outgrown(alert: Alert, changes: Sequence[Change]) -> Iterator[Event]:
    """End an acknowledgement of something smaller."""
    if alert.ack is None:
        return
    seen = {change.series: change for change in alert.ack.seen}
    for change in changes:
        before = seen.get(change.series)
        if before is None and change.series.host not in {series.host for series in seen}:
            yield Lapsed(alert.id, f"{change.series.host} has it now, too")
            return
        if before and (change.low > before.high if change.ratio > 1 else change.high < before.low):
            yield Lapsed(alert.id, f"worse on {change.series.host} than when it was acknowledged")
            return


def _closing(
    alert: Alert,
    night: Night,
    nights_back: int,
    standing: Callable[[Change], Standing],
) -> Iterator[Event]:
    if alert.night >= night:
        return
    if alert.trouble:
        yield Resolved(alert.id, night, "ran", LAB, f"the night of {night} ran")
        return
    stands = {standing(change) for change in alert.changes}
    if stands == {Standing.GONE}:
        yield Judged(alert.id, night, Standing.GONE)
        if alert.eased + 1 >= nights_back:
            reason = f"back at its old level for {nights_back} nights"
            yield Resolved(alert.id, night, "recovered", LAB, reason)
    elif Standing.STILL in stands and alert.eased:
        yield Judged(alert.id, night, Standing.STILL)
