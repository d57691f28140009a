from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from lab import costs
from lab.store.read import read_run
from lab.table import tidy
from tests import synthetic


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return tidy(read_run(phased(tmp_path_factory.mktemp("store"), blocks=6)))


def phased(store: Path, **more: object) -> Path:
    return synthetic.write_run(
        store,
        settings=[{}],
        reference={},
        workloads=[synthetic.EXIT, synthetic.FPU, synthetic.FIXED_150US],
        probes=("phases",),
        overhead=True,
        **more,  # type: ignore[arg-type]
    )


def test_the_probes_cost_what_they_cost(trials: pd.DataFrame) -> None:
    found = {each.workload: each for each in costs.of_probes(trials, "as found")}
    assert list(found) == ["exit", "fpu", "fixed-150us"]
    for each in found.values():
        assert each.what == "phases"
        assert each.contrast.n == 6
        ratio = each.contrast.ratio
        assert ratio is not None
        assert ratio.low is not None
        assert ratio.high is not None
        assert 1 < ratio.low < ratio.value < ratio.high < 1.2
    exit_cost = found["exit"].contrast
    assert exit_cost.difference.value == pytest.approx(
        exit_cost.baseline * (exit_cost.ratio.value - 1) if exit_cost.ratio else 0
    )


def test_dirty_registers_are_the_difference_of_two_workloads_without_probes(
    trials: pd.DataFrame,
) -> None:
    (found,) = costs.of_dirty_registers(trials, "as found")
    off = trials[(trials["probes"] == "none") & (trials["metric"] == "exit_p50_ns")]
    medians = off.groupby("workload")["value"].median()
    assert found.contrast.difference.value == pytest.approx(medians["fpu"] - medians["exit"])


def test_few_blocks_give_no_interval(tmp_path: Path) -> None:
    few = tidy(read_run(phased(tmp_path, blocks=3)))
    for each in costs.of_probes(few, "as found"):
        assert each.contrast.n == 3
        assert each.contrast.difference.low is None


def test_without_the_other_arm_there_is_no_cost(trials: pd.DataFrame) -> None:
    assert costs.of_probes(trials[trials["probes"] != "none"], "as found") == []
    assert costs.of_probes(trials[trials["probes"] == "none"], "as found") == []
    assert costs.of_dirty_registers(trials[trials["guest"] != "exit"], "as found") == []
