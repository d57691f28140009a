"""Predictions against measurements: every setting of a run, predicted from every other one.

Costs are learnt without the trials of the setting that is predicted, so that nothing measured
under it is used; where only those trials have polled, or slept, it cannot be predicted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lab import metrics
from lab.errors import UsageError
from lab.labels import setting_label
from lab.replay.algorithms import Knobs
from lab.replay.recording import Recording
from lab.replay.surface import Source, sources
from lab.replay.trajectory import Trajectory, trajectory
from lab.replay.trial import predict, prepare
from lab.stats import Estimate
from lab.stats.location import median_interval
from lab.store.read import Run

CHECKED = (
    "poll_hit_rate",
    "poll_vain_ns_per_wakeup",
    "wakeup_p50_ns",
    "wakeup_p99_ns",
    "cpu_ns_per_wakeup",
)
FEW = 5
"""Polls of a trial below which a hit rate is an anecdote."""


@dataclass(frozen=True)
class Check:
    """One metric of one setting (`target`): predicted from trials of another, and measured.

    Both are medians over trials. `overlap` says that their intervals meet. Labels are of settings.
    """

    host: str
    clock_class: str | None
    workload: str
    source: str
    target: str
    metric: str
    unit: str
    predicted: Estimate
    measured: Estimate

    @property
    def error(self) -> float:
        """Prediction less measurement, in `unit`."""
        return self.predicted.value - self.measured.value

    @property
    def relative_error(self) -> float | None:
        """Error by what was measured; None for shares, and where nothing was measured."""
        if self.unit == "1" or not self.measured.value:
            return None
        return self.error / self.measured.value

    @property
    def overlap(self) -> bool:
        one, other = self.predicted, self.measured
        if None in {one.low, one.high, other.low, other.high}:
            return False
        return bool(one.low <= other.high and other.low <= one.high)  # type: ignore[operator]

    def record(self) -> dict[str, Any]:
        """Fields as plain values, for JSON."""
        derived = {"error": self.error, "relative_error": self.relative_error}
        return asdict(self) | derived | {"overlap": self.overlap}


@dataclass(frozen=True)
class Validation:
    """All checks of a run, the trajectory of every vCPU, and what could not be predicted, why."""

    checks: Sequence[Check]
    trajectories: Sequence[Trajectory]
    unpredicted: Sequence[str]


def validate(run: Run) -> Validation:
    """Hold a run's settings against each other; UsageError where no halts were recorded."""
    found = sources(run)
    if not found:
        raise UsageError(f"{run.name} has no recorded halts to predict from")
    checks: list[Check] = []
    unpredicted = []
    for source in found:
        settings = _settings(source)
        for target, knobs in settings.items():
            try:
                checks += _checks(source, settings, target, knobs)
            except UsageError as error:
                unpredicted.append(f"{source.host}: {target}: {error}")
    trajectories = [
        trajectory(each, source.algorithm, source.knobs(trial))
        for source in found
        for trial in source.trials
        for each in trial
    ]
    return Validation(checks, trajectories, unpredicted)


def _settings(source: Source) -> dict[str, Knobs]:
    labelled = {setting_label(t[0].row["setting"]): source.knobs(t) for t in source.trials}
    return dict(sorted(labelled.items(), key=lambda each: each[1]))


def _checks(
    source: Source, settings: dict[str, Knobs], target: str, knobs: Knobs
) -> Iterator[Check]:
    costs = source.costs(without=target)
    measured = source.at(target)
    for label in settings:
        if label == target:
            continue
        for workload, trials in source.at(label).items():
            predicted = [predict(prepare(each, costs), source.algorithm, knobs) for each in trials]
            for name in CHECKED:
                forecast = _middle([each[name] for each in predicted])
                truth = _middle([_measured(each, name) for each in measured.get(workload, [])])
                if forecast and truth:
                    yield Check(
                        host=source.host,
                        clock_class=source.facts.get("clock_class"),
                        workload=workload,
                        source=label,
                        target=target,
                        metric=name,
                        unit=metrics.metric(name).unit,
                        predicted=forecast,
                        measured=truth,
                    )


def _measured(trial: Sequence[Recording], name: str) -> float:
    row = trial[0].row
    polls = row["haltpoll"]["outcomes"]
    if name == "poll_hit_rate" and polls["hit"] + polls["late_hit"] + polls["miss"] < FEW:
        return np.nan
    value = metrics.metric(name).value(row)
    return np.nan if value is None else value


def _middle(values: Sequence[float]) -> Estimate | None:
    """Median over trials; None unless most trials have a value."""
    array = np.asarray(values, dtype=np.float64)
    known = array[~np.isnan(array)]
    return median_interval(known) if 2 * known.size > array.size else None
