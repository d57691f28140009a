from __future__ import annotations

import pytest
from rich.console import Console, RenderableType

from lab.profile import profile
from lab.store.read import Run
from lab.summary import DIRTY_COST, PROBES_COST, Summary, summarise
from lab.terminal.profile import cost_table, profile_table


def text_of(renderable: RenderableType) -> str:
    console = Console(width=80, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


@pytest.fixture(scope="module")
def summary(phased: Run) -> Summary:
    return summarise(phased)


def test_shares_classes_and_halts_fit_a_terminal(summary: Summary) -> None:
    text = text_of(profile_table(profile(summary, "synthetic"), "icount", summary.names))
    assert max(map(len, text.splitlines())) <= 80
    assert "synthetic (icount clock, 1 ns = 1 instruction)" in text
    shares, counted = [line for line in text.splitlines() if line.startswith("hypercall ")][:2]
    assert sum(map(float, shares.split()[1:-1])) == pytest.approx(100, abs=0.5)
    assert counted.split()[1:3] == ["hypercall", "1"]
    assert "not visible: kvm_load_guest_fpu: because the compiler" in text
    assert "not_trapped vetoed no_poll" in text


def test_costs_fit_a_terminal_with_their_intervals(summary: Summary) -> None:
    assert set(summary.costs) == {PROBES_COST, DIRTY_COST}
    for title, costs in summary.costs.items():
        text = text_of(cost_table(costs, title))
        assert max(map(len, text.splitlines())) <= 80
        assert title in text
        for cost in costs:
            assert f"{cost.percent}" in text
            assert f"{cost.time}" in text
