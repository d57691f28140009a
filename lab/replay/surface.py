"""What every setting of a grid would have cost and gained, for each host and workload of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lab.errors import UsageError
from lab.labels import setting_label
from lab.replay.algorithms import NONE, Algorithm, Knobs, of_host
from lab.replay.costs import Costs, costs
from lab.replay.recording import Recording, knobs_of, recordings
from lab.replay.trial import METRICS, MORE_CPU, Trial, predict, prepare
from lab.stats import Estimate
from lab.stats.location import median_interval
from lab.store.layout import Document
from lab.store.read import Run

LATENCY, BURNED = "wakeup_p50_ns", "cpu_share"
"""What a front trades against each other; less is better of both."""
PREDICTED = (*METRICS, MORE_CPU)


@dataclass(frozen=True)
class Point:
    """One setting: medians over trials of the PREDICTED that can be told, with their intervals.

    `on_front`: no other setting of the grid is as good in latency and CPU and better in one
    (Pareto), and none before it is the same.
    """

    knobs: Knobs
    metrics: Mapping[str, Estimate]
    on_front: bool


@dataclass(frozen=True)
class Surface:
    """All settings of a grid for one workload of one host, replayed from trials of one setting.

    `closed` says how arrivals follow the setting (`lab.replay.loop.replay`), `recorded` what the
    trials ran under.
    """

    run: str
    host: str
    architecture: str | None
    clock_class: str | None
    workload: str
    algorithm: str
    closed: bool
    recorded: Knobs
    trials: int
    points: Sequence[Point]

    def at(self, knobs: Knobs) -> Point | None:
        return next((point for point in self.points if point.knobs == knobs), None)

    def metrics(self, knobs: Knobs) -> Mapping[str, Estimate]:
        """Return what a setting of the grid would have done; KeyError for another."""
        return {point.knobs: point.metrics for point in self.points}[knobs]

    def record(self) -> dict[str, Any]:
        """Fields as plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Source:
    """One host of a run with what was recorded there: trials by their vCPUs' halts, and costs."""

    run: Run
    host: str
    facts: Document
    trials: Sequence[Sequence[Recording]]

    @property
    def algorithm(self) -> Algorithm:
        return of_host(self.facts)

    def knobs(self, trial: Sequence[Recording]) -> Knobs:
        return knobs_of(trial[0].row, self.facts)

    def costs(self, without: str | None = None) -> Costs:
        """Learn the host's costs, if wanted without the trials of the setting with that label."""
        used = [each for t in self.trials for each in t if _label(t) != without]
        polls = self.algorithm is not NONE
        return costs(used, f"{self.run.name}, {self.host}", polls=polls)

    def at(self, setting: str) -> dict[str, list[Sequence[Recording]]]:
        """Trials of the setting with that label, by workload."""
        found: dict[str, list[Sequence[Recording]]] = {}
        for trial in self.trials:
            if _label(trial) == setting:
                found.setdefault(trial[0].workload, []).append(trial)
        return found


def _label(trial: Sequence[Recording]) -> str:
    return setting_label(trial[0].row["setting"])


def sources(run: Run) -> list[Source]:
    """Return the hosts of a run on which halts were recorded; warm-ups and failures left out."""
    found = []
    for host, rows in run.rows.items():
        measured = [row for row in rows if not row["warmup"] and row["status"] != "failed"]
        trials = [trial for row in measured if (trial := recordings(row))]
        if trials:
            found.append(Source(run, host, run.facts(host), trials))
    return found


def surfaces(
    run: Run,
    grid: Callable[[Knobs], Sequence[Knobs]],
    executor: Executor,
    *,
    setting: str | None = None,
    algorithm: Algorithm | None = None,
    closed: bool | None = None,
    costs_of: Run | None = None,
) -> list[Surface]:
    """Replay the trials of one setting (the plan's reference, if not named) under every other.

    `grid` makes the settings from what the host ran under; `costs_of` is another run of the same
    hosts to learn costs from. Raises UsageError where nothing can be replayed, and says why.
    """
    label = setting or setting_label(run.plan["reference"])
    learned = {each.host: each for each in sources(costs_of)} if costs_of else {}
    found = [
        _surface(source, trials, cost, grid, algorithm or source.algorithm, executor, closed=closed)
        for source in sources(run)
        if (chosen := source.at(label))
        for cost in (learned.get(source.host, source).costs(),)
        for trials in chosen.values()
    ]
    if not found:
        raise UsageError(
            f"{run.name} has no halts recorded at {label!r}: name a setting that it has (--from)"
        )
    return found


def _surface(
    source: Source,
    recorded: Sequence[Sequence[Recording]],
    cost: Costs,
    grid: Callable[[Knobs], Sequence[Knobs]],
    algorithm: Algorithm,
    executor: Executor,
    *,
    closed: bool | None,
) -> Surface:
    base = source.knobs(recorded[0])
    knobs = list(grid(base))
    trials = [prepare(each, cost, closed=closed) for each in recorded]
    values = sweep(trials, algorithm, knobs, executor)
    return Surface(
        run=source.run.name,
        host=source.host,
        architecture=source.facts.get("architecture"),
        clock_class=source.facts.get("clock_class"),
        workload=trials[0].workload,
        algorithm=algorithm.name,
        closed=trials[0].closed,
        recorded=base,
        trials=len(trials),
        points=list(_points(knobs, values)),
    )


def sweep(
    trials: Sequence[Trial], algorithm: Algorithm, knobs: Sequence[Knobs], executor: Executor
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Predict all trials under all settings: (trials, settings, PREDICTED), a task for each."""
    n = len(trials)
    return np.asarray(list(executor.map(_row, trials, [algorithm] * n, [knobs] * n)))


def _row(trial: Trial, algorithm: Algorithm, knobs: Sequence[Knobs]) -> list[list[float]]:
    idle = predict(trial, algorithm, Knobs(0))[BURNED]
    predicted = [predict(trial, algorithm, each) for each in knobs]
    return [[*each.values(), each[BURNED] - idle] for each in predicted]


def _points(
    knobs: Sequence[Knobs], values: np.ndarray[Any, np.dtype[np.float64]]
) -> Iterator[Point]:
    estimates = [
        {
            name: median_interval(column[~np.isnan(column)])
            for name, column in zip(PREDICTED, of_setting.T, strict=True)
            if not np.isnan(column).all()
        }
        for of_setting in values.swapaxes(0, 1)
    ]
    pairs = [
        tuple(metrics[name].value if name in metrics else np.inf for name in (LATENCY, BURNED))
        for metrics in estimates
    ]
    for number, (each, metrics) in enumerate(zip(knobs, estimates, strict=True)):
        mine = pairs[number]
        beaten = any(
            other != mine and other[0] <= mine[0] and other[1] <= mine[1] for other in pairs
        )
        told = LATENCY in metrics and mine not in pairs[:number]
        yield Point(each, metrics, on_front=told and not beaten)
