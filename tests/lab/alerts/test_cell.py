"""An alert's one cell: found in a plan, made an experiment, run again and judged."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from lab.alerts import Change
from lab.alerts.cell import cell_of, judge
from lab.alerts.cell import experiment as cell_experiment
from lab.design import experiment
from lab.errors import Exit, UsageError
from lab.stats import cells
from lab.store.read import Run, read_run
from lab.table import tidy
from tests import synthetic
from tests.alerts import KEY, KNOB, change

SETTING = {KNOB: 200_000}


@pytest.fixture(scope="module")
def repetition(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run of one cell, as the alert's experiment makes it."""
    store = tmp_path_factory.mktemp("cell")
    return read_run(
        synthetic.write_run(
            store, settings=[SETTING], workloads=(synthetic.FIXED_150US,), blocks=12
        )
    )


def moved(run: Run, before: float, after: float) -> Change:
    """Return a change between levels given in units of what the run measured."""
    (cell,) = cells(tidy(run), metrics=[KEY.metric])
    level = cell.median.value
    return replace(change(after / before), before=before * level, after=after * level)


def test_a_cell_is_found_in_the_plan(repetition: Run) -> None:
    key = replace(KEY, host="synthetic")
    cell = cell_of(repetition.plan, key)
    assert (cell.workload["name"], cell.setting) == ("fixed-150us", SETTING)
    with pytest.raises(UsageError, match=r"has no cell fixed-150us, x=1 on synthetic"):
        cell_of(repetition.plan, replace(key, setting="x=1"))


@pytest.mark.parametrize("setting", [SETTING, {}])
def test_its_experiment_is_one_cell_and_valid(setting: dict[str, int], tmp_path: Path) -> None:
    found = change()
    found = replace(found, cell=replace(found.cell, setting=setting))
    path = tmp_path / "cell.toml"
    path.write_text(cell_experiment(found, "A1"))
    question = experiment.load(path)
    assert question.settings == [setting]
    assert [each.name for each in question.workloads] == ["fixed-150us"]
    assert question.expected_s < question.time_budget_s
    assert "alert A1" in tomllib.loads(path.read_text())["analysis"]


@pytest.mark.parametrize(
    ("before", "after", "verdict", "said"),
    [
        (1.0, 1.5, Exit.OK, "at the old level"),
        (1 / 1.5, 1.0, Exit.REGRESSION, "at the new level"),
        (1.5, 1.0, Exit.REGRESSION, "at the new level"),
        (1.0, 1 / 1.5, Exit.OK, "at the old level"),
        (0.99, 1.01, Exit.INCONCLUSIVE, "neither"),
    ],
)
def test_a_run_is_judged_by_the_side_it_is_on(
    repetition: Run, before: float, after: float, verdict: Exit, said: str
) -> None:
    exit_code, sentence = judge(repetition, moved(repetition, before, after))
    assert (exit_code, sentence[: len(said)]) == (verdict, said)


def test_another_clock_class_is_refused(repetition: Run) -> None:
    with pytest.raises(UsageError, match="was measured under clock class hardware"):
        judge(repetition, change(clock_class="emulated"))


def test_a_run_without_the_cell_is_refused(repetition: Run) -> None:
    with pytest.raises(UsageError, match="run the alert's cell.toml on one"):
        judge(repetition, change(workload="other"))
