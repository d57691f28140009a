"""Where stages end, and what a look at the rows decides."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from lab import experiment, plan, stages
from lab.stages import Reason
from lab.stats.interval import MIN_BLOCKS
from lab.store.read import Run, read_run
from tests import synthetic

CPU = "cpu_ns_per_wakeup"
QUESTION = experiment.load(experiment.find("halt_poll")).model_copy(update={"aa": False})


def trials(**changes: Any) -> list[dict[str, Any]]:
    question = QUESTION.model_copy(update=changes)
    found: list[dict[str, Any]] = plan.document("r", "q", question, ["h"])["hosts"]["h"]
    return found


def test_a_prefix_of_blocks_has_its_warm_ups_and_no_others() -> None:
    planned = trials(blocks=6, boots=3)
    cells = 4 * 6
    assert stages.through(planned, 2) == 4 + 2 * cells
    assert stages.through(planned, 3) == 4 + 2 * cells + 4 + cells
    assert stages.planned_blocks(planned) == 6


def test_a_block_is_whole_when_each_of_its_trials_has_a_row() -> None:
    planned = trials(blocks=3)
    whole = stages.through(planned, 2)
    assert stages.whole_blocks(planned, range(whole)) == 2
    assert stages.whole_blocks(planned, range(whole - 1)) == 1
    assert stages.whole_blocks(planned, set(range(whole)) - {5}) == 0
    assert stages.whole_blocks(planned, range(len(planned))) == 3
    assert stages.whole_blocks(planned, ()) == 0


@pytest.mark.parametrize(
    ("blocks", "boots", "sizes"), [(12, 3, [4, 4, 4]), (10, 4, [3, 2, 3, 2]), (5, 1, [5])]
)
def test_each_boot_begins_with_warm_ups_and_groups_are_even(
    blocks: int, boots: int, sizes: list[int]
) -> None:
    planned = trials(blocks=blocks, boots=boots)
    groups = [{t["block"] for t in planned if t["boot_group"] == g} - {-1} for g in range(boots)]
    assert [len(group) for group in groups] == sizes
    for group in range(boots):
        of_group = [trial for trial in planned if trial["boot_group"] == group]
        assert [trial["warmup"] for trial in of_group[:5]] == [True] * 4 + [False]
        assert not any(trial["warmup"] for trial in of_group[4:])
    ends, done = [], 0
    while done < blocks:
        done = stages.until_reboot(planned, done, blocks)
        ends.append(done)
    assert ends == [sum(sizes[: n + 1]) for n in range(boots)]


def test_blocks_after_the_first_look_come_in_groups_of_the_same_size() -> None:
    stop = experiment.Stop(width=1.1, metrics=[CPU], min_blocks=6)
    planned = trials(blocks=12, boots=2, stop=stop)
    assert [stages.until_reboot(planned, done, 12) for done in (0, 3, 6, 9)] == [3, 6, 9, 12]


def test_boots_of_earlier_groups_are_used_up() -> None:
    planned = trials(blocks=6, boots=3)
    rows = [{**trial, "boot_id": f"boot-{trial['boot_group']}"} for trial in planned]
    assert stages.earlier_boots(planned, rows, 0) == []
    assert stages.earlier_boots(planned, rows, 1) == []
    assert stages.earlier_boots(planned, rows, 5) == ["boot-0", "boot-1"]


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

    def look(self) -> stages.Look:
        run = Run(self.whole.path, self.whole.manifest, self.plan, {"synthetic": self.rows})
        return stages.look(run, "synthetic", self.blocks)


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


def test_the_fewest_blocks_of_an_experiment_can_be_compared() -> None:
    field = experiment.Stop.model_fields["min_blocks"]
    (least,) = (each.ge for each in field.metadata if hasattr(each, "ge"))
    assert least == MIN_BLOCKS
