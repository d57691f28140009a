"""Where a series breaks: what changed on a host between two nights, and what people say did.

The lab's own are derived from the conditions that each published run carries, so they are never
forgotten and never recorded twice. People add breaks, and remove any, with a reason; that log
is only added to.
"""

from __future__ import annotations

import getpass
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

from lab.errors import UsageError
from lab.history.conditions import KERNEL, MEANING, PARAMETER, WORKLOAD, Conditions
from lab.history.key import SeriesKey
from lab.history.log import Log
from lab.history.runs import Published, published
from lab.history.store import Store
from lab.store.layout import Document

LAB = "kvmlab"
SHOWN = 60


@dataclass(frozen=True)
class Break:
    """A change between two nights of a host; None for host, experiment, … means all of them.

    `since` is the instant (ISO 8601, UTC) of the first run on the far side. With `restarts` the
    numbers before it say nothing about those after it, and every judge begins anew;
    without it is a cause to name when they differ. `night` is that of the first run, where known.
    """

    id: str
    since: str
    night: str | None
    what: str
    text: str
    restarts: bool
    by: str
    host: str | None = None
    experiment: str | None = None
    workload: str | None = None
    metric: str | None = None

    def concerns(self, key: SeriesKey) -> bool:
        pairs = (
            (self.host, key.host),
            (self.experiment, key.experiment),
            (self.workload, key.workload),
            (self.metric, key.metric),
        )
        return all(mine is None or mine == its for mine, its in pairs)

    def record(self) -> dict[str, Any]:
        return asdict(self)


def breaks(store: Store) -> list[Break]:
    """Return all breaks that stand, oldest first: seen by the lab or added, and not removed."""
    said = _said(_log(store).events())
    known = {each.id: each for each in seen(published(store))} | said
    return sorted(filter(None, known.values()), key=lambda each: each.since)


def add(
    store: Store,
    since: str,
    reason: str,
    *,
    host: str | None = None,
    experiment: str | None = None,
    workload: str | None = None,
    metric: str | None = None,
) -> Break:
    """Record a break by hand; `since` is a night of the store, or an instant (ISO 8601).

    Raises UsageError for a `since` that is neither.
    """
    at, night = _instant(store, since)
    made = Break(
        id="",
        since=at,
        night=night,
        what="by hand",
        text=reason,
        restarts=True,
        by=getpass.getuser(),
        host=host,
        experiment=experiment,
        workload=workload,
        metric=metric,
    )
    made = replace(made, id=_id(asdict(made).values()))
    _log(store).append(
        lambda events: [] if _said(events).get(made.id) else [{"event": "added", **asdict(made)}]
    )
    return made


def remove(store: Store, identity: str, reason: str) -> Break:
    """Take a break back, the lab's own as well; UsageError when there is none of this id."""
    found = next((each for each in breaks(store) if each.id == identity), None)
    if found is None:
        raise UsageError(f"there is no break {identity}: see `kvmlab breaks list`")
    event = {"event": "removed", "id": identity, "reason": reason, "by": getpass.getuser()}
    _log(store).append(lambda _: [event])
    return found


def seen(runs: Iterable[Published]) -> Iterator[Break]:
    """Find what changed on each host from one night's run to the next; `runs` oldest first."""
    last: dict[str, dict[str, str]] = {}
    for run in runs:
        if run.role != "night":
            continue
        for host, now in run.conditions.items():
            before = last.setdefault(host, {})
            changed = [name for name in now if before.get(name, now[name]) != now[name]]
            for name in changed:
                yield _seen(run, host, name, before, now, new_kernel=KERNEL in changed)
            before.update(now)


def _seen(
    run: Published, host: str, name: str, before: Conditions, now: Conditions, *, new_kernel: bool
) -> Break:
    what, text = name, f"{name}: {_short(before[name])} → {_short(now[name])}"
    restarts = name.startswith(MEANING)
    experiment = workload = None
    if name.startswith(WORKLOAD):
        restarts = True
        experiment, workload = name.removeprefix(WORKLOAD).split("/", 1)
        text = f"workload {workload} of {experiment} is defined anew"
    elif name.startswith(PARAMETER) and new_kernel:
        # A value that came with a kernel is its default; on the same kernel somebody set it.
        restarts, what = True, f"default of {name}"
        text = f"default of {text}"
    return Break(
        id=_id([run.run, host, name]),
        since=run.at,
        night=run.night,
        what=what,
        text=text,
        restarts=restarts,
        by=LAB,
        host=host,
        experiment=experiment,
        workload=workload,
    )


def _short(value: str) -> str:
    return value if len(value) <= SHOWN else value[: SHOWN - 1] + "…"


def _said(events: Iterable[Document]) -> dict[str, Break | None]:
    """Tell what people said last of each break: that it is one, or (None) that it is none."""
    said: dict[str, Break | None] = {}
    for event in events:
        if event["event"] == "added":
            said[event["id"]] = Break(**{field.name: event[field.name] for field in fields(Break)})
        else:
            said[event["id"]] = None
    return said


def _instant(store: Store, since: str) -> tuple[str, str | None]:
    of_night = [run.at for run in published(store) if run.night == since]
    if of_night:
        return min(of_night), since
    try:
        instant = datetime.fromisoformat(since)
    except ValueError:
        raise UsageError(
            f"{since} is neither a night of {store.url} nor an instant: give one as in "
            "`kvmlab breaks list`, or 2026-11-23T01:15"
        ) from None
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return instant.astimezone(UTC).isoformat(timespec="seconds"), None


def _id(parts: Iterable[object]) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:8]


def _log(store: Store) -> Log:
    return Log(store, "breaks")
