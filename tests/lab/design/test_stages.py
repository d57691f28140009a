"""Where stages end: at whole blocks, and where a host wants a fresh boot."""

from __future__ import annotations

from typing import Any

import pytest

from lab.design import experiment, plan, stages

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
