from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import lab
from lab.errors import UsageError
from lab.store.read import Run
from lab.table import HEAD, TAIL
from tests import synthetic

NAME = "20260101-000000-synthetic"


def test_importing_lab_is_cheap() -> None:
    heavy = "{'pandas', 'numpy', 'scipy', 'duckdb', 'pyarrow', 'plotly'}"
    check = f"import sys, lab; sys.exit(bool({heavy} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", check], check=True)


def test_public_names() -> None:
    """Notebooks of other people are written with these; taking one away breaks them."""
    names = ["Nights", "Results", "Simulation", "load", "nights", "query"]
    assert lab.__all__ == names
    assert set(names) <= set(dir(lab))
    methods = {
        lab.Results: "architectures effects fpu halts phases plot simulate where wide",
        lab.Simulation: "plot settings tune",
        lab.Nights: "judge plot until where",
    }
    for of, expected in methods.items():
        there = [name for name, each in vars(of).items() if callable(each) and name[0] != "_"]
        assert sorted(there) == expected.split()
        assert all(getattr(of, name).__doc__ for name in there)
    with pytest.raises(AttributeError, match="nonsense"):
        lab.nonsense  # noqa: B018


def test_where_narrows(store: Path) -> None:
    results = lab.load(NAME, store=store)
    few = results.where(metric="cpu_ns_per_wakeup", workload=["fixed-30us"], warmup=False)
    assert set(few.trials["metric"]) == {"cpu_ns_per_wakeup"}
    assert len(few.trials) == 5 * 6
    knob = few.where(**{synthetic.KNOB: 0})
    assert set(knob.trials["setting"]) == {synthetic.label(0)}
    with pytest.raises(UsageError, match="no column 'colour' in trials: it has run, host"):
        results.where(colour="red")


def test_halts_follow_the_trials_that_are_left(store: Path, run: Run) -> None:
    results = lab.load(NAME, store=store).where(trial=[4, 5])
    halts = results.halts()
    expected = sum(
        row["haltpoll"]["halts"] for row in run.rows["synthetic"][4:6] if row["haltpoll"]
    )
    assert len(halts) == expected > 0
    assert set(halts["trial"]) <= {4, 5}
    assert results.where(trial=[]).halts().empty


def test_wide_has_one_row_for_each_measured_trial(store: Path, run: Run) -> None:
    wide = lab.load(NAME, store=store).wide()
    assert len(wide) == len(run.rows["synthetic"])
    row = run.rows["synthetic"][0]
    expected = row["guest"]["cpu"]["vcpu_ns"] / row["guest"]["completed"]
    assert wide.loc[wide["trial"] == 0, "cpu_ns_per_wakeup"].item() == expected


def test_effects_use_the_reference_of_the_plan(store: Path) -> None:
    results = lab.load(NAME, store=store).where(workload="fixed-30us")
    effects = results.effects(metrics=["cpu_ns_per_wakeup"], resamples=99)
    assert set(effects["reference"]) == {synthetic.label(200_000)}
    assert set(effects["setting"]) == {synthetic.label(c) for c in (0, 20_000, 50_000, 1_000_000)}
    other = results.effects(synthetic.label(0), metrics=["cpu_ns_per_wakeup"], resamples=99)
    assert set(other["reference"]) == {synthetic.label(0)}


def test_runs_with_other_knobs_go_into_one_table(store: Path, tmp_path: Path) -> None:
    other = synthetic.write_run(
        tmp_path,
        "20260102-000000-synthetic",
        settings=[{"host.halt_poll_ns_shrink": 2}],
        reference={"host.halt_poll_ns_shrink": 2},
        workloads=[synthetic.EXIT],
        blocks=1,
    )
    trials = lab.load(NAME, other, store=store).trials
    assert list(trials.columns) == [*HEAD, synthetic.KNOB, "host.halt_poll_ns_shrink", *TAIL]
    assert trials.loc[trials["run"] == other.name, synthetic.KNOB].isna().all()


def test_loading_nothing_or_something_unknown_is_a_usage_error(store: Path) -> None:
    with pytest.raises(UsageError, match="no run named"):
        lab.load(store=store)
    with pytest.raises(UsageError, match=f"no run 'gone' in .*: it has {NAME}"):
        lab.load("gone", store=store)


def test_architectures_combine_hosts_and_runs(fleet: Path) -> None:
    runs = ("20260102-000000-synthetic", "20260103-000000-synthetic")
    latency = lab.load(*runs, store=fleet).where(workload="fixed-30us")
    found = latency.architectures(metrics=["wakeup_p50_ns"]).set_index(["setting", "architecture"])
    off = found.loc["vm.halt_poll_ns=0"]
    assert off.loc["x86_64", "hosts"] == "xeon, epyc"
    assert off.loc["x86_64", "ratio"] == pytest.approx(3.5, rel=0.1)
    assert off.loc["ppc64le", "verdict"] == "inert"
    assert "s390x" in str(off.loc["aarch64", "differs_from"])


def test_the_shares_of_a_cell_sum_to_one(phased: Run) -> None:
    phases = lab.load(phased.path).phases()
    total = phases.groupby(["host", "workload", "setting"])["share"].sum()
    assert total.to_numpy() == pytest.approx(1)
    assert {"guest", "handling", "unattributed"} <= set(phases["phase"])


def test_dirty_registers_come_with_what_the_source_says(phased: Run) -> None:
    fpu = lab.load(phased.path).fpu().iloc[0]
    assert fpu["low"] <= fpu["ns"] <= fpu["high"]
    assert "at KVM_RUN" in fpu["switched"]
    assert "kvm_load_guest_fpu" in fpu["seen"]


def test_a_plot_is_the_reports_with_colours_of_its_own(store: Path) -> None:
    results = lab.load(NAME, store=store).where(workload="fixed-30us")
    (light,), (dark,) = (results.plot("latency", dark=dark) for dark in (False, True))
    assert "fixed-30us" in light.layout.title.text
    assert len(light.data) >= 5
    assert "var(" not in light.to_json()
    assert light.layout.font.color != dark.layout.font.color
    with pytest.raises(UsageError, match="no picture 'pie': there are phases, classes"):
        results.plot("pie")


def test_what_is_left_is_replayed_with_the_costs_of_the_whole_run(store: Path) -> None:
    few = lab.load(NAME, store=store).where(workload="fixed-30us")
    simulated = few.simulate("halt_poll_ns=0,50us,200us")
    settings = simulated.settings()
    assert set(settings["workload"]) == {"fixed-30us"}
    assert list(settings["halt_poll_ns"]) == [0, 50_000, 200_000]
    assert settings["on_front"].any()
    chosen = simulated.tune(target_p99="1ms")
    assert chosen.loc[0, "halt_poll_ns"] in {0, 50_000, 200_000}
    assert simulated.plot()
    with pytest.raises(UsageError, match="say what to tune for"):
        simulated.tune()
