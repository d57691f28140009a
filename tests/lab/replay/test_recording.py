"""Halts beside the wake-ups that ended them."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest

from lab.replay.algorithms import Knobs
from lab.replay.recording import knobs_of, recordings
from lab.replay.surface import Source
from lab.store.read import Run


def test_wake_ups_without_a_halt_are_found(source: Source) -> None:
    """With exponential intervals, an eighth of the timers fire before the guest halts."""
    trial = next(t[0] for t in source.trials if t[0].workload == "exponential-100us")
    assert trial.aligned
    assert trial.ns.size < trial.row["guest"]["completed"]
    assert (np.diff(trial.wakeup) > 0).all()
    # Interval and latency explain each halt to some microseconds; halts are 100 µs apart.
    spread = np.subtract(*np.quantile(trial.offset[trial.slept], (0.9, 0.1)))
    assert spread < 20_000


def test_an_alignment_by_order_alone_would_be_far_off(source: Source) -> None:
    trial = next(
        t[0] for t in source.trials if t[0].workload == "exponential-100us" and not t[0].slept.all()
    )
    latency = np.asarray(trial.row["guest"]["latency_ns"])
    # Were the missing wake-ups the last ones, intervals and halts would drift apart.
    assert not np.array_equal(trial.wakeup, np.arange(trial.ns.size))
    assert latency.size - trial.ns.size > 10


def test_more_halts_than_wake_ups_are_not_aligned(source: Source) -> None:
    row = deepcopy(source.trials[0][0].row)
    row["guest"]["latency_ns"] = row["guest"]["latency_ns"][:3]
    (recording,) = recordings(row)
    assert not recording.aligned


def test_lost_events_leave_nothing_to_replay(source: Source) -> None:
    row = deepcopy(source.trials[0][0].row)
    row["haltpoll"]["lost"] = 1
    assert recordings(row) == []


def test_the_setting_is_what_was_read_back(brief: Run) -> None:
    facts = brief.facts("local")
    row = {"setting": {"vm.halt_poll_ns": 50_000}, "effective": {"vm.halt_poll_ns": None}}
    assert knobs_of(row, facts) == Knobs(50_000)
    row = {"setting": {"host.halt_poll_ns_shrink": 0}, "effective": {"host.halt_poll_ns_shrink": 3}}
    assert knobs_of(row, facts) == Knobs(200_000, shrink=3)
    assert knobs_of({"setting": {}}, {}) == Knobs(200_000)


@pytest.mark.parametrize("guest", ["exit", "ipi"])
def test_only_the_halt_guest_is_known_to_wait_for_its_own_work(source: Source, guest: str) -> None:
    row = deepcopy(source.trials[0][0].row)
    assert source.trials[0][0].closed
    row["workload"] = {"name": guest, "guest": guest, "count": 100, "batch": 10}
    (recording,) = recordings(row)
    assert not recording.closed
    assert not recording.aligned
