from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from lab.labels import MINUS, changes
from lab.stats import Verdict
from lab.store.listing import summaries
from lab.store.read import Run
from lab.summary import SYMBOLS, Summary, grids, summarise
from lab.terminal import run as tables


def text_of(renderable: RenderableType, width: int) -> str:
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


@pytest.fixture(scope="module")
def summary(run: Run) -> Summary:
    return summarise(run)


@pytest.mark.parametrize("width", [80, 120, 160])
def test_the_comparison_table_fits(summary: Summary, width: int) -> None:
    text = text_of(tables.comparison_table(summary.grids[0], summary.names, width), width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text


def test_a_row_says_median_change_and_verdict(summary: Summary) -> None:
    lines = text_of(tables.comparison_table(summary.grids[0], summary.names), 80).splitlines()
    start = lines.index("fixed-30us")
    row = next(line for line in lines[start:] if line.startswith(" 0 "))
    median = next(
        cell.median.value
        for cell in summary.cells
        if (cell.workload, cell.metric) == ("fixed-30us", "wakeup_p50_ns")
        and cell.setting == "vm.halt_poll_ns=0"
    )
    assert f"{median / 1000:.3g} µs" in row
    assert SYMBOLS[Verdict.WORSE] in row
    assert SYMBOLS[Verdict.BETTER] in row
    assert any(line.startswith(" 200 µs* 6") for line in lines[start:])


def test_below_a_workload_stands_what_could_not_have_been_seen(summary: Summary, run: Run) -> None:
    lines = text_of(tables.comparison_table(summary.grids[0], summary.names), 80).splitlines()
    known = summary.grids[0].limits("fixed-30us")["wakeup_p50_ns"].detectable
    assert known
    row = next(line for line in lines[lines.index("fixed-30us") :] if line.startswith(" MDE "))
    assert changes(*known) in row
    few = [
        replace(each, n=5, detectable=None, warnings=("it drifts",)) for each in summary.comparisons
    ]
    (grid,) = grids(run, few, summary.cells, list(summary.names))
    text = text_of(tables.comparison_table(grid, summary.names), 80)
    assert "fewer than 6 blocks show nothing" in text
    assert " MDE " not in text
    assert text.count("doubt: fixed-30us, wake-up p50: it drifts") == 1


def test_wide_tables_show_intervals(summary: Summary) -> None:
    narrow = text_of(tables.comparison_table(summary.grids[0], summary.names, 80), 120)
    wide = text_of(tables.comparison_table(summary.grids[0], summary.names, 120), 120)
    assert f"[{MINUS}" not in narrow
    assert f"[{MINUS}90,{MINUS}" in wide


def test_inert_cells_are_marked(summary: Summary, run: Run) -> None:
    inert = [replace(each, verdict=Verdict.INERT, ratio=None) for each in summary.comparisons]
    (grid,) = grids(run, inert, summary.cells, list(summary.names))
    text = text_of(tables.comparison_table(grid, summary.names), 80)
    assert f"{SYMBOLS[Verdict.INERT]} inert" in text
    assert SYMBOLS[Verdict.WORSE] not in text


def test_records_are_json(summary: Summary, run: Run, store: Path) -> None:
    records = json.loads(
        json.dumps(tables.comparison_records(summary.comparisons), allow_nan=False)
    )
    assert len(records) == len(summary.comparisons)
    assert records[0]["verdict"] in set(Verdict)
    (listed,) = json.loads(json.dumps(tables.run_records(summaries(store))))
    assert listed["run"] == run.name
    shown = json.loads(json.dumps(tables.show_record(run)))
    assert shown["hosts"]["synthetic"]["trials"] == {"ok": len(run.rows["synthetic"])}
    assert shown["hosts"]["synthetic"]["doubts"][0]["kind"] == "overhead"


def test_the_list_of_runs_fits_a_terminal(store: Path, run: Run) -> None:
    text = text_of(tables.runs_table(summaries(store)), 80)
    assert run.name in text
    assert "complete" in text


def test_show_names_plan_facts_and_doubts(run: Run) -> None:
    text = text_of(tables.show(run), 100)
    planned = len(run.plan["hosts"]["synthetic"])
    assert f"{planned} trials: 5 settings x 5 workloads x 6 blocks" in text
    assert "Synthetic CPU" in text
    assert "overhead: " in text


def test_trials_that_did_not_run_are_counted(run: Run) -> None:
    rows = {"synthetic": run.rows["synthetic"][:-3]}
    record = tables.show_record(Run(run.path, run.manifest, run.plan, rows))
    assert record["hosts"]["synthetic"]["trials"]["not run"] == 3
