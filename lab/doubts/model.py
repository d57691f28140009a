"""A reason to doubt a run, how grave it is, and what mends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lab.store.layout import Document
from lab.store.read import Run

Rows = Sequence[Document]


class Grade(StrEnum):
    """How far to trust a run in one respect, from best to worst."""

    FINE = "fine"
    UNSEEN = "not visible"
    DOUBT = "doubt"
    DISTRUST = "do not trust"


@dataclass(frozen=True)
class Found:
    """What a finder found on one host; the kind is the finder's name."""

    grade: Grade
    text: str
    remedy: str


@dataclass(frozen=True)
class Doubt:
    """What a reader should know of a host's part of a run before believing it.

    `text` says what was seen, `remedy` what mends it.
    """

    host: str
    kind: str
    grade: Grade
    text: str
    remedy: str


Finder = Callable[[Run, str, Rows], Iterator[Found]]
"""Looks at one host's rows; finding nothing is fine, what it cannot see it says as UNSEEN."""

MANY = 0.25
"""Share of a host's trials from which a trouble is no exception any more."""


def worst(grades: Sequence[Grade]) -> Grade:
    """Return the gravest; what is not visible makes nothing worse."""
    order = [Grade.FINE, Grade.DOUBT, Grade.DISTRUST]
    return max((each for each in grades if each in order), key=order.index, default=Grade.FINE)


def by_share(affected: Rows, of: Rows) -> Grade:
    """Grade a trouble by the share of trials that have it."""
    return Grade.DISTRUST if len(affected) > MANY * len(of) else Grade.DOUBT


def measured(rows: Rows) -> list[Document]:
    """Return the trials that count and went well."""
    return [row for row in rows if row["status"] == "ok" and not row["warmup"] and row["guest"]]


def trials(rows: Rows) -> str:
    """Say how many: `3 trials`."""
    number = len({row["trial"] for row in rows})
    return "1 trial" if number == 1 else f"{number} trials"


def states(rows: Rows, key: str) -> list[Document]:
    """Return the measured trials whose state of the host has `key`."""
    return [row for row in measured(rows) if key in (row.get("host_state") or {})]
