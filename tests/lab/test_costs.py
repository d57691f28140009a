from __future__ import annotations

import pandas as pd
import pytest

from lab import costs
from lab.stats.location import hodges_lehmann
from lab.store.read import Run
from lab.table import tidy


@pytest.fixture(scope="module")
def trials(phased: Run) -> pd.DataFrame:
    return tidy(phased)


def test_the_probes_cost_what_they_cost(trials: pd.DataFrame) -> None:
    found = {each.workload: each for each in costs.of_probes(trials, "as found")}
    assert list(found) == ["exit", "hypercall", "fpu", "fixed-150us"]
    for each in found.values():
        assert each.what == "phases, functions"
        assert each.contrast.n == 6
        ratio = each.contrast.ratio
        assert ratio is not None
        assert ratio.low is not None
        assert ratio.high is not None
        # With six blocks the synthetic cost of some per cent is not shown for every workload.
        assert 0.99 < ratio.low < ratio.value < ratio.high < 1.2
    exit_cost = found["exit"].contrast
    assert exit_cost.ratio is not None
    # The location of differences is not the difference of locations, but near it.
    assert exit_cost.difference.value == pytest.approx(
        exit_cost.baseline * (exit_cost.ratio.value - 1), rel=0.1
    )


def test_dirty_registers_are_the_difference_of_two_workloads_without_probes(
    trials: pd.DataFrame,
) -> None:
    (found,) = costs.of_dirty_registers(trials, "as found")
    off = trials[(trials["probes"] == "none") & (trials["metric"] == "exit_p50_ns")]
    by_block = off.pivot_table(index="block", columns="workload", values="value")
    location = hodges_lehmann((by_block["fpu"] - by_block["exit"]).to_numpy())
    assert found.contrast.difference.value == pytest.approx(location)


def test_few_blocks_give_no_interval(trials: pd.DataFrame) -> None:
    for each in costs.of_probes(trials[trials["block"] < 3], "as found"):
        assert each.contrast.n == 3
        assert each.contrast.difference.low is None
        assert "[" not in each.percent + each.time


def test_a_sentence_names_the_least_and_the_most(trials: pd.DataFrame) -> None:
    found = costs.of_probes(trials, "as found")
    text = costs.overhead(found)
    ratios = {e.workload: e.contrast.ratio.value for e in found if e.contrast.ratio}
    least, most = min(ratios, key=lambda n: ratios[n]), max(ratios, key=lambda n: ratios[n])
    assert text.startswith("The probes (phases, functions) cost the guest +")
    assert text.index(f"in {least} to ") < text.index(f"in {most}, by its own clock.")
    assert costs.overhead([]) == ""


def test_without_the_other_arm_there_is_no_cost(trials: pd.DataFrame) -> None:
    assert costs.of_probes(trials[trials["probes"] != "none"], "as found") == []
    assert costs.of_probes(trials[trials["probes"] == "none"], "as found") == []
    assert costs.of_dirty_registers(trials[trials["guest"] != "exit"], "as found") == []
