from __future__ import annotations

from pathlib import Path

from lab.store.listing import summaries
from lab.store.read import Run
from tests import synthetic


def test_runs_at_a_glance(store: Path, run: Run) -> None:
    (summary,) = summaries(store)
    assert summary.run == run.name
    assert summary.state == "complete"
    assert summary.hosts == {"synthetic": "complete"}
    assert summary.trials == len(run.plan["hosts"]["synthetic"])
    assert summary.error is None


def test_the_newest_run_comes_first(spoilt: Path) -> None:
    synthetic.write_run(
        spoilt.parent, "20260202-000000-synthetic", workloads=[synthetic.EXIT], blocks=1
    )
    names = [summary.run for summary in summaries(spoilt.parent)]
    assert names == ["20260202-000000-synthetic", spoilt.name]


def test_a_broken_run_is_listed_as_broken(spoilt: Path) -> None:
    (spoilt / "plan.json").write_text("{")
    (summary,) = summaries(spoilt.parent)
    assert summary.state == "broken"
    assert summary.error is not None
    assert "plan.json is broken" in summary.error
