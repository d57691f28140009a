"""Properties of the loop over halts, compiled and plain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lab.replay.algorithms import ALGORITHMS, GENERIC, NONE, U32, Algorithm, Knobs
from lab.replay.halts import NEVER, Halts
from lab.replay.loop import (
    HIT,
    MISS,
    NO_POLL,
    PENDING,
    SUMS,
    VALID,
    VETO,
    VETOED,
    Replayed,
    build,
    replay,
)

POLLING = [each for each in ALGORITHMS.values() if each is not NONE]
numbers = st.integers(0, U32)
plausible = st.integers(0, 300_000)
knobs = st.builds(
    Knobs,
    halt_poll_ns=st.one_of(plausible, numbers),
    grow=st.one_of(st.integers(0, 4), numbers),
    grow_start=st.one_of(plausible, numbers),
    shrink=st.one_of(st.integers(0, 4), numbers),
)
lengths = st.lists(st.tuples(st.one_of(plausible, numbers), plausible), max_size=60)


def halts(pairs: list[tuple[int, int]], flags: list[int] | None = None, cut: int = NEVER) -> Halts:
    """Halts by arrival and by what a sleep adds; recorded as slept."""
    polled = np.array([arrival for arrival, _ in pairs], np.int64)
    slept = polled + np.array([more for _, more in pairs], np.int64)
    nothing: NDArray[np.float64] = np.zeros(polled.size)
    marks = np.array(flags if flags is not None else [VALID] * polled.size, np.uint8)
    return Halts(slept, polled, slept, np.full(polled.size, cut), marks, nothing, nothing)


def plainly(each: Halts, algorithm: Algorithm, setting: Knobs, *, closed: bool) -> Replayed:
    codes, windows, sums = [0] * each.ns.size, [0] * each.ns.size, [0] * len(SUMS)
    build(algorithm, lambda function: function)(
        *(
            column.tolist()
            for column in (each.polled_ns, each.slept_ns, each.cut_ns, each.ns, each.flags)
        ),
        closed,
        *setting.values,
        codes,
        windows,
        sums,
    )
    return Replayed(np.array(codes, np.uint8), np.array(windows, np.uint32), np.array(sums))


@pytest.mark.parametrize("algorithm", ALGORITHMS.values(), ids=list(ALGORITHMS))
@given(data=st.data())
@settings(max_examples=60)
def test_compiled_and_plain_agree(algorithm: Algorithm, data: st.DataObject) -> None:
    pairs, setting, closed = data.draw(lengths), data.draw(knobs), data.draw(st.booleans())
    flags = [data.draw(st.integers(0, VALID | VETO)) for _ in pairs]
    each = halts(pairs, flags, data.draw(numbers))
    compiled = replay(each, algorithm, setting, closed=closed)
    plain = plainly(each, algorithm, setting, closed=closed)
    np.testing.assert_array_equal(compiled.codes, plain.codes)
    np.testing.assert_array_equal(compiled.windows, plain.windows)
    np.testing.assert_array_equal(compiled.sums, plain.sums)


@pytest.mark.parametrize("algorithm", POLLING, ids=lambda each: each.name)
@given(pairs=lengths, setting=knobs)
@settings(max_examples=60)
def test_no_halt_polls_longer_than_the_ceiling(
    algorithm: Algorithm, pairs: list[tuple[int, int]], setting: Knobs
) -> None:
    each = halts(pairs)
    replayed = replay(each, algorithm, setting)
    polls = replayed.count(HIT) + replayed.count(MISS)
    polled = replayed.sum("polled_hit_ns") + replayed.sum("polled_vain_ns")
    assert polled <= polls * setting.halt_poll_ns
    hits = replayed.outcomes == HIT
    assert (each.polled_ns[hits] <= setting.halt_poll_ns).all()


@pytest.mark.parametrize("algorithm", ALGORITHMS.values(), ids=list(ALGORITHMS))
@given(pairs=lengths, setting=knobs)
@settings(max_examples=30)
def test_a_ceiling_of_0_never_polls(
    algorithm: Algorithm, pairs: list[tuple[int, int]], setting: Knobs
) -> None:
    replayed = replay(
        halts(pairs), algorithm, Knobs(0, setting.grow, setting.grow_start, setting.shrink)
    )
    assert replayed.count(NO_POLL) == len(pairs)
    assert replayed.sums.tolist()[:2] == [0, 0]


@given(
    arrivals=st.lists(st.integers(1, 100_000), min_size=1, max_size=60),
    ceilings=st.tuples(st.integers(0, 1_000_000), st.integers(0, 1_000_000)),
    factor=st.integers(2, 4),
)
def test_a_larger_ceiling_polls_no_less_where_nothing_shrinks(
    arrivals: list[int], ceilings: tuple[int, int], factor: int
) -> None:
    """All halts below both ceilings: windows only grow, and to no less under the larger.

    In general it is false: a window that has shrunk to 15 µs stays at a halt of 15 µs, where one
    of 10 µs doubles. And an overflow does as it likes.
    """
    low, high = sorted(ceilings)
    each = halts([(arrival, 0) for arrival in arrivals])
    longest = max(arrivals)
    if low <= longest:
        low, high = low + longest + 1, high + longest + 1
    polled = [
        int(replay(each, GENERIC, Knobs(ceiling, grow=factor)).sums[:2].sum())
        for ceiling in (low, high)
    ]
    assert polled[0] <= polled[1]


@given(pairs=lengths, setting=knobs)
def test_every_halt_has_one_outcome_and_its_length(
    pairs: list[tuple[int, int]], setting: Knobs
) -> None:
    each = halts(pairs)
    replayed = replay(each, GENERIC, setting)
    assert sum(replayed.count(kind) for kind in range(5)) == len(pairs)
    hit = replayed.outcomes == HIT
    assert replayed.sum("halted_ns") == np.where(hit, each.polled_ns, each.slept_ns).sum()


def test_a_veto_polls_nothing_and_leaves_the_window() -> None:
    each = halts([(15_000, 20_000)] * 5, [VALID, VALID, VALID | VETO, VALID | VETO, VALID])
    replayed = replay(each, GENERIC, Knobs(200_000))
    assert replayed.outcomes.tolist() == [NO_POLL, MISS, VETOED, VETOED, HIT]
    assert replayed.windows.tolist() == [10_000, 20_000, 20_000, 20_000, 20_000]


def test_what_a_sleep_adds_keeps_a_window_from_growing() -> None:
    """An arrival below the ceiling whose sleep ends above it: it never begins to poll."""
    locked = replay(halts([(18_000, 22_000)] * 50), GENERIC, Knobs(20_000))
    free = replay(halts([(18_000, 1_000)] * 50), GENERIC, Knobs(20_000))
    assert locked.count(NO_POLL) == 50
    assert free.count(HIT) == 48


def test_in_an_open_loop_a_vcpu_that_is_late_finds_its_wake_up_pending() -> None:
    """Recorded as polled; put to sleep, each halt delays the next by what a sleep costs."""
    arrivals = np.full(4, 10_000, np.int64)
    nothing = np.zeros(4)
    flags = np.full(4, VALID, np.uint8)
    never = np.full(4, NEVER)
    each = Halts(arrivals, arrivals, arrivals + 25_000, never, flags, nothing, nothing)
    replayed = replay(each, GENERIC, Knobs(0), closed=False)
    # 25 µs late after the first halt: two wake-ups of 10 µs are missed, then 5 µs late.
    assert replayed.outcomes.tolist() == [NO_POLL, PENDING, PENDING, NO_POLL]
    assert replay(each, GENERIC, Knobs(0)).count(NO_POLL) == 4


def test_a_poll_that_is_cut_sees_nothing_and_costs_what_it_polled() -> None:
    pairs = [(15_000, 20_000)] * 5
    whole, cut = (replay(halts(pairs, cut=at), GENERIC, Knobs(200_000)) for at in (NEVER, 12_000))
    assert whole.count(HIT) == 3
    assert cut.count(HIT) == 0
    assert cut.sum("polled_vain_ns") == 10_000 + 3 * 12_000
