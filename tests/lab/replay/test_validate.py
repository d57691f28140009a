"""Predictions against what the recorded run measured; the errors stand in results/replay.md."""

from __future__ import annotations

from collections import defaultdict
from copy import deepcopy

import numpy as np
import pytest

from lab.metrics import HALT
from lab.paths import RESULTS
from lab.replay.algorithms import GENERIC, Knobs, algorithm
from lab.replay.surface import Source, sources
from lab.replay.trajectory import trajectory
from lab.replay.validate import Validation, validate
from lab.stats import Estimate
from lab.store.layout import Document
from lab.store.read import Run, read_plan, read_run, runs

RECORDED = [
    path.name
    for path in runs(RESULTS / "recorded")
    if any(
        trial["workload"]["guest"] in HALT
        for trials in read_plan(path)["hosts"].values()
        for trial in trials
    )
]


@pytest.fixture(scope="module")
def validation(brief: Run) -> Validation:
    return validate(brief)


@pytest.mark.parametrize("name", RECORDED)
def test_every_recorded_window_is_the_replayed_one(name: str) -> None:
    """All hosts and architectures under version control: windows and events, one for one."""
    run = read_run(name, RESULTS / "recorded")
    found = [
        trajectory(each, source.algorithm, source.knobs(trial))
        for source in sources(run)
        for trial in source.trials
        for each in trial
    ]
    assert found
    assert [each for each in found if not each.same] == []
    assert sum(each.traced for each in found) > 50


def test_another_kernels_algorithm_does_not_fit(source: Source) -> None:
    """Linux 5.1 cuts the window when it grows, which the trace would show."""
    trials = source.at("vm.halt_poll_ns=200000")["fixed-150us"]
    knobs = source.knobs(trials[0])
    same = [trajectory(t[0], algorithm("generic-5.1"), knobs).same for t in trials]
    assert not any(same)


def test_a_single_wrong_event_is_found(source: Source) -> None:
    recording = deepcopy(source.at("vm.halt_poll_ns=200000")["exponential-100us"][0][0])
    recording.row["haltpoll"]["windows"]["new"][7] += 1
    found = trajectory(recording, GENERIC, Knobs(200_000))
    assert found.first == 7
    assert not found.same


def test_predictions_meet_measurements(validation: Validation) -> None:
    errors = defaultdict(list)
    for check in validation.checks:
        size = check.error if check.unit == "1" else check.relative_error
        if size is not None:
            errors[check.metric, check.workload].append(abs(size))
    assert validation.unpredicted == []
    for workload in ("fixed-30us", "fixed-150us", "exponential-100us"):
        assert max(errors["poll_hit_rate", workload]) < 0.04
        assert max(errors["wakeup_p50_ns", workload]) < 0.10
        assert max(errors["cpu_ns_per_wakeup", workload]) < 0.08


def test_nothing_measured_at_a_setting_goes_into_its_prediction(brief: Run) -> None:
    target = "vm.halt_poll_ns=200000"

    def predicted(rows: list[Document]) -> list[Estimate]:
        run = Run(brief.path, brief.manifest, brief.plan, {"local": tuple(rows)})
        return [check.predicted for check in validate(run).checks if check.target == target]

    rows = [row for row in brief.rows["local"] if row["workload"]["name"] == "fixed-30us"]
    spoilt = deepcopy(rows)
    for row in spoilt:
        if row["setting"] == {"vm.halt_poll_ns": 200_000}:
            row["guest"]["latency_ns"] = (np.asarray(row["guest"]["latency_ns"]) * 3).tolist()
    assert predicted(rows) == predicted(spoilt)


def test_what_cannot_be_predicted_is_said() -> None:
    run = read_run("20261123-043828-path_length", RESULTS / "recorded")
    found = validate(run)
    assert any("too few halts that polled" in each for each in found.unpredicted)
