"""The window's trajectory: replayed from the recorded halts, against what KVM traced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lab.replay.algorithms import GROW, SHRINK, Algorithm, Knobs
from lab.replay.halts import as_recorded
from lab.replay.loop import replay
from lab.replay.recording import Recording

Event = tuple[int, bool]
"""A new window in ns, and whether it grew."""


@dataclass(frozen=True)
class Trajectory:
    """Events of one vCPU in one trial, traced and replayed, up to the `first` that differs.

    `halts` counts halts; `windows` those in which the window that the probe saw was the replayed
    one. `first` is None where all events are the same.
    """

    host: str
    trial: int
    halts: int
    windows: int
    traced: int
    replayed: int
    first: int | None

    @property
    def same(self) -> bool:
        return self.first is None and self.windows == self.halts


def trajectory(recording: Recording, algorithm: Algorithm, knobs: Knobs) -> Trajectory:
    """Let the window follow the halts as they were; every change of it must be a traced event."""
    replayed = replay(as_recorded(recording), algorithm, knobs)
    made = _events(replayed.windows.tolist(), replayed.verdicts.tolist())
    row = recording.row
    seen = row["haltpoll"]["windows"]
    events = zip(seen["thread"], seen["new"], seen["grow"], strict=True)
    traced = [(new, bool(grew)) for thread, new, grew in events if thread == recording.thread]
    before = np.concatenate([[0], replayed.windows[:-1]])
    held = np.fromiter((algorithm.begin(int(w), knobs.halt_poll_ns) for w in before), np.int64)
    return Trajectory(
        host=row["host"],
        trial=row["trial"],
        halts=recording.ns.size,
        windows=int(np.count_nonzero(held == recording.window)),
        traced=len(traced),
        replayed=len(made),
        first=_first_difference(traced, made),
    )


def _events(windows: Sequence[int], verdicts: Sequence[int]) -> list[Event]:
    # KVM traces each call that grows or shrinks, also one that changes nothing.
    return [
        (window, verdict == GROW)
        for window, verdict in zip(windows, verdicts, strict=True)
        if verdict in {GROW, SHRINK}
    ]


def _first_difference(one: Sequence[Event], other: Sequence[Event]) -> int | None:
    if one == other:
        return None
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
