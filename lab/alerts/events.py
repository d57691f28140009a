"""The events of alerts, as they stand in the store's log `alerts/`.

An event says what happened and never changes. What an alert is now follows from its events in
order (`lab.alerts.book`); so nothing in the store is ever written over, whoever writes at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError

from lab.alerts.model import Change, Night, Standing, Suspect
from lab.errors import StoreError
from lab.store.layout import Document


@dataclass(frozen=True)
class Opened:
    alert: str
    night: Night
    changes: tuple[Change, ...]
    suspects: tuple[Suspect, ...]
    previous: str | None
    kind: Literal["opened"] = "opened"


@dataclass(frozen=True)
class Updated:
    """Tonight's view of changes known before, and changes that joined."""

    alert: str
    night: Night
    changes: tuple[Change, ...]
    suspects: tuple[Suspect, ...]
    kind: Literal["updated"] = "updated"


@dataclass(frozen=True)
class Judged:
    """No finding tonight: whether the series are back at the level before."""

    alert: str
    night: Night
    standing: Standing
    kind: Literal["judged"] = "judged"


@dataclass(frozen=True)
class Troubled:
    """A night could not run; opens an alert, or says it again of one that stands."""

    alert: str
    night: Night
    sentence: str
    kind: Literal["troubled"] = "troubled"


@dataclass(frozen=True)
class Confirmed:
    alert: str
    night: Night
    evidence: str
    kind: Literal["confirmed"] = "confirmed"


@dataclass(frozen=True)
class Acknowledged:
    alert: str
    by: str
    reason: str
    until: datetime
    kind: Literal["acknowledged"] = "acknowledged"


@dataclass(frozen=True)
class Lapsed:
    """An acknowledgement came to its end: its time is over, or things got worse."""

    alert: str
    reason: str
    kind: Literal["lapsed"] = "lapsed"


@dataclass(frozen=True)
class Resolved:
    alert: str
    night: Night
    how: Literal["recovered", "unconfirmed", "person", "ran"]
    by: str
    reason: str
    kind: Literal["resolved"] = "resolved"


@dataclass(frozen=True)
class Attempted:
    """Event number `notice` is about to be sent; recorded before, so that no other sends it."""

    alert: str
    notice: int
    sink: str
    kind: Literal["attempted"] = "attempted"


@dataclass(frozen=True)
class Delivered:
    alert: str
    notice: int
    sink: str
    kind: Literal["delivered"] = "delivered"


@dataclass(frozen=True)
class Failed:
    """The sink said no, or did not answer; `error` holds no secret."""

    alert: str
    notice: int
    sink: str
    error: str
    kind: Literal["failed"] = "failed"


Event: TypeAlias = (
    Opened
    | Updated
    | Judged
    | Troubled
    | Confirmed
    | Acknowledged
    | Lapsed
    | Resolved
    | Attempted
    | Delivered
    | Failed
)


@dataclass(frozen=True)
class Entry:
    """An event with its place in the log, counted from 0, and its instant."""

    number: int
    at: datetime
    event: Event


_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="kind")])
_INSTANT = TypeAdapter(datetime)


def encode(event: Event) -> Document:
    document: Document = _EVENT.dump_python(event, mode="json")
    return document


def decode(number: int, document: Document) -> Entry:
    """Return the entry of a document of the log; StoreError when it is none."""
    fields = dict(document)
    try:
        at = _INSTANT.validate_python(fields.pop("at"))
        return Entry(number, at, _EVENT.validate_python(fields))
    except (KeyError, ValidationError) as error:
        raise StoreError(
            f"alerts: event {number} is none that this kvmlab knows ({document.get('kind')}): "
            "use the kvmlab that wrote it"
        ) from error
