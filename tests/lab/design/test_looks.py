"""What a look at the rows of a sequential run decides."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest

from lab.design import experiment, looks, stages
from lab.design.looks import Reason
from lab.stats.interval import MIN_BLOCKS
from lab.store.read import Run, read_run
from tests import synthetic
from tests.benchmarks import stopping

CPU = "cpu_ns_per_wakeup"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a run of two settings with an A/A arm, of 24 blocks."""
    return read_run(
        synthetic.write_run(
            tmp_path_factory.mktemp("stages"),
            settings=[{synthetic.KNOB: 0}, synthetic.REFERENCE],
            workloads=[synthetic.FIXED_150US],
            blocks=24,
            aa=True,
        )
    )


class Asked:
    """The first `blocks` blocks of a run, and when to stop it."""

    def __init__(self, whole: Run, blocks: int, **changes: Any) -> None:
        stop = {"width": 1.5, "metrics": [CPU], "min_blocks": 6}
        self.plan = {**whole.plan, "time_budget_s": 1000, "stop": stop | changes}
        through = stages.through(whole.plan["hosts"]["synthetic"], blocks)
        self.rows = deepcopy(whole.rows["synthetic"][:through])
        self.whole, self.blocks = whole, blocks

    def look(self) -> looks.Look:
        run = Run(self.whole.path, self.whole.manifest, self.plan, {"synthetic": self.rows})
        return looks.look(run, "synthetic", self.blocks)


def test_narrow_intervals_stop_a_host(whole: Run) -> None:
    found = Asked(whole, 6).look()
    assert (found.next, found.reason, found.wide) == (None, Reason.WIDTH, 0)
    # The setting and the A/A arm, each against the reference.
    assert found.contrasts == 2
    assert found.widest is not None
    assert found.widest.width is not None
    assert 1 < found.widest.width < 1.5


def test_wide_intervals_ask_for_more_but_not_for_more_than_twice(whole: Run) -> None:
    found = Asked(whole, 6, width=1.0001).look()
    assert (found.next, found.reason, found.wide) == (12, None, 2)


def test_the_last_look_asks_for_no_more_than_is_planned(whole: Run) -> None:
    assert Asked(whole, 15, width=1.0001).look().next == 24


def test_the_number_of_blocks_follows_the_square_of_the_width(whole: Run) -> None:
    first = Asked(whole, 8).look()
    assert first.widest is not None
    assert first.widest.width is not None
    # As wide on the log scale as can be got with 1.44 times the blocks: 8 become 12.
    wanted = first.widest.width ** (1 / 1.2)
    assert Asked(whole, 8, width=wanted).look().next == 12


def test_the_end_of_the_plan_is_a_reason_to_stop(whole: Run) -> None:
    found = Asked(whole, 24, width=1.0001).look()
    assert (found.next, found.reason) == (None, Reason.BLOCKS)


def test_the_time_budget_is_kept_and_is_a_reason_to_stop(whole: Run) -> None:
    asking = Asked(whole, 6, width=1.0001)
    # Each synthetic trial took a second: 1 warm-up and 6 blocks of 3.
    asking.plan["time_budget_s"] = 19 + 7
    assert asking.look().next == 8
    asking.plan["time_budget_s"] = 19 + 3
    found = asking.look()
    assert (found.next, found.reason) == (None, Reason.BUDGET)
    assert "6 blocks took 19 s of the time budget of 22 s" in found.text


def test_nobody_waits_for_a_knob_that_cannot_act(whole: Run) -> None:
    asking = Asked(whole, 6, width=1.0001)
    for row in asking.rows:
        if row["setting"] != synthetic.REFERENCE:
            row.update(status="inert", reason="KVM-HV does not poll on POWER9")
        if row["aa"]:
            row.update(status="failed", reason="the VMM died", guest=None, haltpoll=None)
    found = asking.look()
    # The A/A arm failed and may not fail again.
    assert (found.contrasts, found.next) == (1, 7)
    asking.rows = tuple(row for row in asking.rows if not row["aa"])
    assert asking.look().reason is Reason.NOTHING


def test_intervals_at_which_a_run_stops_hold_the_truth() -> None:
    blocks = stopping.SHAPES["normal"](np.random.default_rng(7), (400, stopping.MOST))
    stopped, held = stopping.by_width(blocks, 8, 1.12)
    assert len(set(stopped)) > 3
    assert stopped.min() >= 8
    # Seeded; 95 % less three standard errors of 400 experiments.
    assert held.mean() > 0.917


def test_the_fewest_blocks_of_an_experiment_can_be_compared() -> None:
    field = experiment.Stop.model_fields["min_blocks"]
    (least,) = (each.ge for each in field.metadata if hasattr(each, "ge"))
    assert least == MIN_BLOCKS
