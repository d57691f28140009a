from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.labels import TIMES
from lab.stats import Verdict
from lab.store.read import Run, read_run
from lab.summary import Summary, sentences, summarise, tally
from lab.table import AA
from tests import synthetic


@pytest.fixture(scope="module")
def summary(run: Run) -> Summary:
    return summarise(run)


def test_the_kernels_algorithm_shows(summary: Summary) -> None:
    """No polling at 0, polling pays below the window, and it costs CPU time."""
    found = {(c.workload, c.metric, c.setting): c for c in summary.comparisons}
    never = synthetic.label(0)
    assert found["fixed-30us", "wakeup_p50_ns", never].verdict is Verdict.WORSE
    assert found["fixed-30us", "cpu_ns_per_wakeup", never].verdict is Verdict.BETTER
    assert found["fixed-30us", "wakeup_p50_ns", synthetic.label(50_000)].verdict is (
        Verdict.INCONCLUSIVE
    )
    assert found["fixed-150us", "wakeup_p50_ns", synthetic.label(50_000)].verdict is Verdict.WORSE
    assert found["fixed-1ms", "wakeup_p50_ns", never].verdict is Verdict.INCONCLUSIVE


def test_the_grid_has_a_row_for_each_setting_and_workload(summary: Summary) -> None:
    (grid,) = summary.grids
    assert list(grid.by_workload) == [
        "fixed-30us", "fixed-150us", "exponential-100us", "fixed-1ms", "exit",
    ]  # fmt: skip
    assert all(len(rows) == 5 for rows in grid.by_workload.values())
    assert list(summary.names.values()) == ["0", "20 µs", "50 µs", "200 µs", "1 ms"]
    (reference,) = [row for row in grid.by_workload["exit"] if row.is_reference]
    assert reference.entries["exit_p50_ns"].comparison is None
    assert reference.entries["exit_p50_ns"].cell is not None
    assert reference.entries["wakeup_p50_ns"].cell is None
    assert reference.n == 6


def test_a_run_that_turns_no_knob_compares_its_reference_with_itself(tmp_path: Path) -> None:
    folder = synthetic.write_run(
        tmp_path,
        settings=[synthetic.REFERENCE],
        workloads=[synthetic.FIXED_30US],
        blocks=12,
        aa=True,
    )
    found = summarise(read_run(folder))
    assert list(found.names) == [synthetic.label(200_000), AA]
    assert {each.setting for each in found.comparisons} == {AA}
    assert not {each.verdict for each in found.comparisons} & {Verdict.BETTER, Verdict.WORSE}
    (grid,) = found.grids
    entry = grid.by_workload["fixed-30us"][1].entries["wakeup_p50_ns"]
    assert entry.comparison
    assert (entry.comparison.n, entry.comparison.noise_floor) == (12, None)


def test_a_grid_says_what_it_could_not_have_seen(summary: Summary) -> None:
    (grid,) = summary.grids
    found = grid.limits("fixed-30us")["wakeup_p50_ns"]
    sizes = [
        each.detectable
        for each in summary.comparisons
        if (each.workload, each.metric) == ("fixed-30us", "wakeup_p50_ns") and each.detectable
    ]
    assert found.detectable == (min(sizes), max(sizes))
    assert found.spread
    assert 0 < found.spread[0] <= found.spread[1]
    assert found.noise_floor is None
    assert grid.limits("exit")["wakeup_p50_ns"].detectable is None


def test_verdicts_are_counted(summary: Summary) -> None:
    text = tally(summary.comparisons)
    better = sum(each.verdict is Verdict.BETTER for each in summary.comparisons)
    assert text.startswith(f"{len(summary.comparisons)} comparisons: {better} better, ")
    assert tally([]) == "0 comparisons: none"


def test_sentences_say_what_changed_and_by_how_much(summary: Summary) -> None:
    said = dict(sentences(summary.comparisons))
    assert "median wake-up latency worse in 3 of 4 (" + TIMES in said[synthetic.label(0)]
    quiet = [each for each in summary.comparisons if each.workload == "exit"]
    unchanged = [each for each in quiet if each.verdict is Verdict.EQUIVALENT]
    nothing = dict(sentences(unchanged))[synthetic.label(0)]
    assert re.fullmatch(r"no change shown in \d+ comparisons: below .* one may go unseen", nothing)
