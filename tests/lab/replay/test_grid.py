from __future__ import annotations

import pytest

from lab.errors import UsageError
from lab.replay.algorithms import Knobs
from lab.replay.grid import nanoseconds, parse, settings


def test_a_grid_is_every_combination_and_keeps_what_it_does_not_name() -> None:
    base = Knobs(200_000, grow=3, grow_start=7_000, shrink=2)
    made = settings(parse("halt_poll_ns=0,50us kvm.halt_poll_ns_shrink=0,2"), base)
    assert made == [
        Knobs(0, 3, 7_000, 0),
        Knobs(0, 3, 7_000, 2),
        Knobs(50_000, 3, 7_000, 0),
        Knobs(50_000, 3, 7_000, 2),
    ]


def test_a_value_given_twice_is_one_setting() -> None:
    assert len(settings(parse("halt_poll_ns=50us,50000"), Knobs(0))) == 1


@pytest.mark.parametrize(
    ("text", "ns"), [("200000", 200_000), ("200us", 200_000), ("1.5ms", 1_500_000), ("3µs", 3_000)]
)
def test_times_have_units(text: str, ns: int) -> None:
    assert nanoseconds(text) == ns


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the grid is empty"),
        ("halt_poll_ns", "'halt_poll_ns' is no part of a grid"),
        ("speed=1", "no knob 'speed': a grid is made of halt_poll_ns, grow, grow_start, shrink"),
        ("shrink=0 shrink=2", "shrink is there twice"),
        ("grow=two", "'two' is no number"),
        ("halt_poll_ns=0.5ns", "no whole number of nanoseconds"),
    ],
)
def test_a_bad_grid_is_refused_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        parse(text)


def test_a_value_beyond_an_unsigned_int_is_refused() -> None:
    with pytest.raises(UsageError, match="is no unsigned int"):
        settings(parse("halt_poll_ns=5s"), Knobs(0))
