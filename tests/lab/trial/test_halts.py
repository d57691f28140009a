from __future__ import annotations

from collections import Counter

from lab.store.layout import Document
from lab.trial import halts


def test_outcomes_are_the_table_of_the_format() -> None:
    names = halts.outcome(
        ns=[100, 200, 201, 500, 500, 5],
        waited=[0, 0, 0, 1, 1, 0],
        window=[200, 200, 200, 200, 0, 0],
    )
    assert names.tolist() == ["hit", "hit", "late_hit", "miss", "no_poll", "instant"]


def test_streamed_halts_count_as_the_kernel_counted(row: Document) -> None:
    frame = halts.frame("run", row)
    counted = {name: number for name, number in row["haltpoll"]["outcomes"].items() if number}
    assert Counter(frame["outcome"]) == counted
    assert frame["end"].iloc[0] == row["haltpoll"]["origin"] + row["haltpoll"]["stream"]["end"][0]


def test_a_trial_without_a_probe_has_no_halts(row: Document) -> None:
    frame = halts.frame("run", row | {"haltpoll": None})
    assert frame.empty
    assert list(frame.columns) == list(halts.frame("run", row).columns)
