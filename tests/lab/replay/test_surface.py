from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor

import pytest

from lab.errors import UsageError
from lab.executor import open_executor
from lab.replay.algorithms import NONE, Knobs
from lab.replay.surface import Surface, surfaces
from lab.replay.tuning import choices, goal
from lab.replay.whatif import change, what_if
from lab.store.read import Run

CEILINGS = (0, 20_000, 50_000, 200_000, 1_000_000)


def grid(base: Knobs) -> Sequence[Knobs]:
    return [Knobs(ceiling, base.grow, base.grow_start, base.shrink) for ceiling in CEILINGS]


@pytest.fixture(scope="module")
def executor() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture(scope="module")
def found(brief: Run, executor: Executor) -> list[Surface]:
    return surfaces(brief, grid, executor)


def of(found: Sequence[Surface], workload: str) -> Surface:
    return next(each for each in found if each.workload == workload)


def test_the_recorded_setting_is_predicted_as_it_was(found: list[Surface]) -> None:
    """Hits where hits were, to a late hit here and there."""
    surface = of(found, "fixed-30us")
    point = surface.at(surface.recorded)
    assert point is not None
    assert point.metrics["poll_hit_rate"].value == pytest.approx(0.99, abs=0.01)
    assert point.metrics["wakeup_p50_ns"].value == pytest.approx(20_100, rel=0.02)


def test_the_front_has_no_setting_that_another_beats(found: list[Surface]) -> None:
    for surface in found:
        front = [p.metrics for p in surface.points if p.on_front]
        assert front
        for one in front:
            for other in surface.points:
                better = [
                    other.metrics[name].value < one[name].value
                    for name in ("wakeup_p50_ns", "cpu_share")
                ]
                assert not all(better)


def test_processes_and_this_thread_say_the_same(brief: Run, found: list[Surface]) -> None:
    with open_executor() as processes:
        assert surfaces(brief, grid, processes) == found


def test_a_host_that_never_polls_gains_nothing(brief: Run, executor: Executor) -> None:
    for surface in surfaces(brief, grid, executor, algorithm=NONE):
        values = [point.metrics["cpu_share"].value for point in surface.points]
        assert len(set(values)) == 1


def test_an_open_loop_keeps_its_wall_time(brief: Run, executor: Executor) -> None:
    """Without polling each wake-up is late, and the next comes when it came: sooner than asked."""
    opened = of(surfaces(brief, grid, executor, closed=False), "fixed-150us")
    assert not opened.closed
    assert "wakeup_p50_ns" not in opened.points[0].metrics
    assert (
        opened.points[0].metrics["cpu_share"].value < opened.points[-1].metrics["cpu_share"].value
    )


def test_a_setting_that_was_not_recorded_is_refused(brief: Run, executor: Executor) -> None:
    with pytest.raises(UsageError, match="has no halts recorded at 'vm.halt_poll_ns=7'"):
        surfaces(brief, grid, executor, setting="vm.halt_poll_ns=7")


def test_a_budget_is_kept_and_the_least_latency_within_it_taken(found: list[Surface]) -> None:
    for choice in choices(found, goal("20%", None)):
        assert choice.knobs is not None
        for point in choice.points:
            assert point.metrics["more_cpu_share"].value <= 0.2
    lavish = choices(found, goal("100%", None))
    taken = next(c for c in lavish if c.scope == "local: fixed-150us")
    assert taken.knobs is not None
    assert taken.knobs.halt_poll_ns >= 200_000


def test_the_cheapest_setting_below_a_latency_is_taken(found: list[Surface]) -> None:
    found_150 = [of(found, "fixed-150us")]
    (choice,) = choices(found_150, goal(None, "100us"))
    assert choice.knobs == Knobs(200_000)
    (choice,) = choices(found_150, goal(None, "5us"))
    assert choice.knobs is None


def test_one_setting_is_chosen_for_all_workloads_of_a_host(found: list[Surface]) -> None:
    every = choices(found, goal("20%", None))
    assert [c.scope for c in every if len(c.surfaces) > 1] == ["local: all workloads"]


@pytest.mark.parametrize(
    ("budget", "target", "sentence"),
    [
        (None, None, "say what to tune for"),
        ("2%", "50us", "say what to tune for"),
        ("2", None, "'2' is no percentage"),
        (None, "fast", "'fast' is no number"),
    ],
)
def test_a_goal_is_one_thing_and_readable(
    budget: str | None, target: str | None, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        goal(budget, target)


def test_the_change_of_6_11_polls_more_where_halts_pass_the_ceiling(
    brief: Run, executor: Executor
) -> None:
    """By aeb1b22a3ac8 exponential arrivals gain hits and pay CPU, fixed ones do neither."""
    effects, left_out = what_if([brief], (change("shrink=0"), change("shrink=2")), executor)
    assert left_out == []
    moved = {(e.workload, e.metric): e.contrast for e in effects}
    hits, cpu = moved["exponential-100us", "poll_hit_rate"], moved["exponential-100us", "cpu_share"]
    assert hits is not None
    assert cpu is not None
    assert hits.difference.low is not None
    assert hits.difference.low > 0.1
    assert cpu.difference.value > 0.1
    still = moved["fixed-1ms", "cpu_share"]
    assert still is not None
    assert still.difference.value == 0


def test_a_default_has_one_value() -> None:
    with pytest.raises(UsageError, match="shrink has 2 values"):
        change("shrink=0,2")
