"""What a kernel's defaults would do to all recorded workloads of all hosts.

The audit of a default: every run of a store that recorded halts is replayed twice, each host with
the parameters it was found with, but for the knobs in question. Trials are paired.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from lab import metrics
from lab.errors import UsageError
from lab.labels import setting_label
from lab.replay.algorithms import Knobs
from lab.replay.grid import parse
from lab.replay.recording import found_knobs
from lab.replay.surface import Source, sources, sweep
from lab.replay.trial import METRICS, prepare
from lab.stats.contrast import Contrast, contrast
from lab.store.read import Run

Sides = tuple[Mapping[str, int], Mapping[str, int]]
"""What the knobs in question are before the change, and after it."""
AUDITED = (
    "wakeup_p50_ns",
    "wakeup_p99_ns",
    "cpu_share",
    "poll_hit_rate",
    "poll_vain_ns_per_wakeup",
)


@dataclass(frozen=True)
class Effect:
    """One metric of one workload on one host: `contrast` of after by and less before, by trials.

    `knobs` is what the host has after the change; None of `contrast` where neither polls enough to
    tell. The ratio is what may be compared across hosts, never the nanoseconds.
    """

    run: str
    host: str
    architecture: str | None
    clock_class: str | None
    algorithm: str
    workload: str
    closed: bool
    before: Knobs
    after: Knobs
    metric: str
    unit: str
    contrast: Contrast | None

    def record(self) -> dict[str, Any]:
        """Fields as plain values, for JSON."""
        return asdict(self)


def change(text: str) -> Mapping[str, int]:
    """Read one side of the question: `shrink=2`, one value for each knob."""
    parsed = parse(text)
    for name, values in parsed.items():
        if len(values) != 1:
            raise UsageError(f"{name} has {len(values)} values: a default has one")
    return {name: values[0] for name, values in parsed.items()}


def what_if(
    runs: Sequence[Run],
    sides: Sides,
    executor: Executor,
    *,
    closed: bool | None = None,
) -> tuple[list[Effect], list[str]]:
    """Replay all runs under both sides; also what could not be replayed, a sentence each.

    Trials are those at each plan's reference. Raises UsageError where no run has any.
    """
    effects: list[Effect] = []
    left_out = []
    for run in runs:
        for source in sources(run):
            try:
                effects += _effects(source, sides, executor, closed=closed)
            except UsageError as error:
                left_out.append(str(error))
    if not effects:
        raise UsageError(
            "no run of the store can be replayed" + "".join(f"; {e}" for e in left_out)
        )
    return effects, left_out


def _effects(
    source: Source,
    sides: Sides,
    executor: Executor,
    *,
    closed: bool | None,
) -> Iterator[Effect]:
    costs, base = source.costs(), found_knobs(source.facts)
    chosen = source.at(setting_label(source.run.plan["reference"]))
    for workload, recorded in chosen.items():
        both = [replace(base, **side) for side in sides]
        trials = [prepare(each, costs, closed=closed) for each in recorded]
        values = sweep(trials, source.algorithm, both, executor)
        for name in AUDITED:
            column = values[:, :, METRICS.index(name)]
            yield Effect(
                run=source.run.name,
                host=source.host,
                architecture=source.facts.get("architecture"),
                clock_class=source.facts.get("clock_class"),
                algorithm=source.algorithm.name,
                workload=workload,
                closed=trials[0].closed,
                before=both[0],
                after=both[1],
                metric=name,
                unit=metrics.metric(name).unit,
                contrast=_contrast(column),
            )


def _contrast(column: np.ndarray[Any, np.dtype[np.float64]]) -> Contrast | None:
    return contrast(pd.Series(column[:, 1]), pd.Series(column[:, 0]))
