from __future__ import annotations

import numpy as np
import pytest

from lab.errors import UsageError
from lab.replay.algorithms import Knobs
from lab.replay.costs import costs
from lab.replay.halts import as_possible
from lab.replay.recording import knobs_of
from lab.replay.surface import Source


def test_a_sleep_costs_what_the_trials_say(source: Source) -> None:
    found = source.costs()
    # Medians of trials that slept and that polled, straight from the guest's own clock.
    medians = {
        ceiling: np.median(
            [
                np.median(t[0].row["guest"]["latency_ns"])
                for t in source.at(f"vm.halt_poll_ns={ceiling}")["fixed-150us"]
            ]
        )
        for ceiling in (0, 1_000_000)
    }
    assert found.latency["fixed-150us"].value == pytest.approx(
        medians[0] - medians[1_000_000], rel=0.1
    )
    assert found.shift is not None
    assert 5_000 < found.shift.value < 15_000
    assert found.cpu_ns.low is not None
    assert found.cpu_ns.low > 0


def test_one_outcome_alone_tells_no_cost(source: Source) -> None:
    slept = [e for t in source.trials for e in t if knobs_of(e.row, source.facts) == Knobs(0)]
    with pytest.raises(UsageError, match=r"too few halts that polled .*--costs RUN"):
        costs(slept, "this run")


def test_a_halt_keeps_the_length_it_had_and_gets_one_more(source: Source) -> None:
    found = source.costs()
    for trial in source.trials[:20]:
        recording = trial[0]
        halts = as_possible(recording, found)
        own = np.where(recording.slept, halts.slept_ns, halts.polled_ns)
        np.testing.assert_array_equal(own, recording.ns)
        vain = recording.slept & (recording.window > 0) & ~recording.cut
        assert (halts.polled_ns[vain] > recording.window[vain]).all()
        again = as_possible(recording, found)
        np.testing.assert_array_equal(halts.slept_ns, again.slept_ns)


def test_a_sleep_is_longer_than_a_poll_for_the_same_wake_up(source: Source) -> None:
    halts = as_possible(source.at("vm.halt_poll_ns=0")["fixed-150us"][0][0], source.costs())
    more = np.median(halts.slept_ns - halts.polled_ns)
    assert 15_000 < more < 35_000


def test_a_host_that_never_polls_needs_no_polls_to_learn_from(source: Source) -> None:
    slept = [e for t in source.trials for e in t if knobs_of(e.row, source.facts) == Knobs(0)]
    found = costs(slept, "this run", polls=False)
    assert found.polled.latency.size == sum(int(each.slept.sum()) for each in slept)
