from __future__ import annotations

from pathlib import Path

import pandas as pd

from lab.stats.compare import counted
from lab.store.read import Run, read_run
from lab.table import HEAD, TAIL, is_counted, tidy
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


def test_boots_and_the_aa_arm_are_columns(tmp_path: Path) -> None:
    folder = synthetic.write_run(tmp_path, workloads=[synthetic.FIXED_30US], blocks=2, aa=True)
    rows = [dict(row) for row in read_run(folder).rows["synthetic"]]
    # As runs from before the two were kept have it.
    del rows[0]["boot_id"], rows[0]["aa"]
    synthetic.write_rows(folder, "synthetic", rows)
    trials = tidy(read_run(folder)).drop_duplicates("trial").set_index("trial")
    assert trials["boot"].to_list() == ["", *[synthetic.BOOT] * (len(rows) - 1)]
    assert trials["aa"].dtype == "bool"
    assert set(trials.index[trials["aa"]]) == {row["trial"] for row in rows if row.get("aa")}
    assert trials.loc[trials["aa"], "setting"].unique().tolist() == [
        synthetic.label(synthetic.REFERENCE[synthetic.KNOB])
    ]
    assert trials["aa"].sum() == 2


def test_settings_are_not_compared_by_the_aa_arm(tmp_path: Path) -> None:
    folder = synthetic.write_run(
        tmp_path, workloads=[synthetic.FIXED_30US], blocks=2, aa=True, overhead=True
    )
    run = read_run(folder)
    trials = tidy(run)
    kept = [row["trial"] for row in run.rows["synthetic"] if is_counted(row)]
    assert kept == list(counted(trials)["trial"].unique())
    assert not trials.loc[trials["trial"].isin(kept), "aa"].any()
    assert len(kept) == 2 * len(synthetic.CEILINGS)


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
