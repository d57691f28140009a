from __future__ import annotations

from pathlib import Path

import pandas as pd

from lab.store.read import Run, read_run
from lab.table import HEAD, TAIL, tidy
from tests import synthetic


def test_columns_and_types(run: Run) -> None:
    trials = tidy(run)
    assert list(trials.columns) == [*HEAD, synthetic.KNOB, *TAIL]
    assert trials[synthetic.KNOB].dtype == "Int64"
    assert trials["value"].dtype == "float64"
    assert set(trials["setting"]) == {synthetic.label(ceiling) for ceiling in synthetic.CEILINGS}
    assert set(trials["clock_class"]) == {"hardware"}


def test_every_planned_trial_is_there(run: Run) -> None:
    trials = tidy(run)
    assert set(trials["trial"]) == {trial["trial"] for trial in run.plan["hosts"]["synthetic"]}


def test_a_failed_trial_is_a_row_with_its_reason(spoilt: Path) -> None:
    run = read_run(spoilt)
    rows = list(run.rows["synthetic"])
    broken = run.plan["hosts"]["synthetic"][7]
    rows[7] = synthetic.unmeasured(run.name, "synthetic", broken, "failed", "the VMM died")
    synthetic.write_rows(spoilt, "synthetic", rows)
    trials = tidy(read_run(spoilt))
    (failed,) = trials[trials["trial"] == 7].to_dict("records")
    assert (failed["status"], failed["reason"]) == ("failed", "the VMM died")
    assert pd.isna(failed["metric"])
    assert pd.isna(failed["value"])
