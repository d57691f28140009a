"""The sentence a maintainer wakes up to."""

from __future__ import annotations

from collections.abc import Sequence

from lab.alerts import Alert, State
from lab.alerts.words import title
from lab.nightly.model import Kind, Verdict
from lab.store.layout import Document


def conclude(
    night: str,
    results: Sequence[Document],
    judged: Document,
    undecided: Sequence[str],
    troubles: Sequence[str],
    active: Sequence[Alert],
) -> Verdict:
    """Sum a night up: the gravest thing first, and nothing that was not looked at.

    `results` are what became of its runs (`Runs.make`), `judged` counts the series that were
    compared, `undecided` names open alerts that could not be run again, `active` are all alerts
    that are not resolved.
    """
    standing = [each for each in active if each.changes and each.state is State.CONFIRMED]
    states = {entry["state"] for each in results for entry in each["hosts"].values()}
    measured = [each["run"] for each in results if each["measured"]]
    count, silent = judged["series"], judged["silent"]
    if standing:
        kind, text = Kind.REGRESSION, "; ".join(map(title, standing))
    elif not measured and states == {"unsupported"}:
        kind, text = Kind.NOTHING_RAN, f"nothing could run: {'; '.join(troubles)}"
    elif troubles:
        kind, text = Kind.FAILED, f"not all could be done: {'; '.join(troubles)}"
    elif undecided:
        kind = Kind.INCONCLUSIVE
        text = f"{', '.join(undecided)} could be neither confirmed nor refuted"
    elif count == silent:
        kind = Kind.INCONCLUSIVE
        text = f"none of {count} series can be judged yet: {judged['reason']}"
    else:
        kind, text = Kind.QUIET, f"{count - silent} series, none of them moved for the worse"
    return Verdict(
        night=night,
        kind=kind,
        sentence=f"{night}: {text}",
        runs=tuple(measured),
        alerts=tuple(each.id for each in standing),
        troubles=tuple(troubles),
    )
