from __future__ import annotations

from collections import Counter

import pytest

from lab.design import experiment, plan

QUESTION = experiment.load(experiment.find("halt_poll")).model_copy(update={"aa": False})


def cell(trial: plan.Trial) -> tuple[int, str, tuple[str, ...]]:
    return trial.setting["vm.halt_poll_ns"], trial.workload["name"], tuple(trial.probes)


def test_every_block_holds_every_cell_once() -> None:
    trials = plan.trials(QUESTION, "h")
    cells = {
        (setting["vm.halt_poll_ns"], work.name, ("halts",))
        for setting in QUESTION.settings
        for work in QUESTION.workloads
    } | {(200_000, work.name, ()) for work in QUESTION.workloads}
    for block in range(QUESTION.blocks):
        assert Counter(cell(t) for t in trials if t.block == block) == Counter(cells)


def test_a_warm_up_of_every_workload_comes_first() -> None:
    trials = plan.trials(QUESTION, "h")
    warm = [trial for trial in trials if trial.warmup]
    assert warm == trials[: len(QUESTION.workloads)]
    assert {trial.workload["name"] for trial in warm} == {w.name for w in QUESTION.workloads}


def test_the_order_is_random_by_block_and_host_and_the_same_for_the_same_seed() -> None:
    one = plan.trials(QUESTION, "h")
    assert one == plan.trials(QUESTION, "h")
    orders = [[cell(t) for t in one if t.block == block] for block in range(QUESTION.blocks)]
    assert len({tuple(order) for order in orders}) == QUESTION.blocks
    assert [cell(t) for t in one] != [cell(t) for t in plan.trials(QUESTION, "other")]


def test_settings_of_a_block_meet_the_same_arrivals() -> None:
    trials = [trial for trial in plan.trials(QUESTION, "h") if not trial.warmup]
    for block in range(QUESTION.blocks):
        for work in QUESTION.workloads:
            of_cell = {
                t.seed for t in trials if t.block == block and t.workload["name"] == work.name
            }
            assert len(of_cell) == 1
    assert len({trial.seed for trial in trials}) == QUESTION.blocks * len(QUESTION.workloads)


def test_without_overhead_and_knobs_a_block_is_each_workload_once_as_found() -> None:
    plain = QUESTION.model_copy(update={"knobs": {}, "reference": {}, "overhead": False})
    trials = [trial for trial in plan.trials(plain, "h") if trial.block == 0]
    assert [trial.setting for trial in trials] == [{}] * 4
    assert {trial.workload["name"] for trial in trials} == {w.name for w in QUESTION.workloads}
    assert all(trial.probes == ["halts"] for trial in trials)


def test_the_reference_is_in_every_block_twice_with_an_aa_arm() -> None:
    doubled = QUESTION.model_copy(update={"aa": True, "overhead": False})
    trials = plan.trials(doubled, "h")
    assert not any(trial.aa for trial in trials if trial.warmup)
    for block in range(doubled.blocks):
        cells = Counter((cell(t), t.aa) for t in trials if t.block == block)
        for work in doubled.workloads:
            reference = (200_000, work.name, ("halts",))
            assert (cells[reference, False], cells[reference, True]) == (1, 1)
        assert sum(cells.values()) == 4 * (len(doubled.settings) + 1)


def test_numbers_run_in_order() -> None:
    assert [trial.trial for trial in plan.trials(QUESTION, "h")] == list(
        range(4 + QUESTION.blocks * (len(QUESTION.settings) + 1) * 4)
    )


@pytest.mark.parametrize("allow", [True, False])
def test_a_host_is_sent_its_part(*, allow: bool) -> None:
    document = plan.document("r", "halt_poll", QUESTION, ["a", "b"])
    part = plan.for_host(document, "b", allow_foreign_vms=allow)
    assert part["trials"] == document["hosts"]["b"]
    assert part["host"] == "b"
    assert part["allow_foreign_vms"] is allow
