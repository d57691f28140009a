from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lab import across as words
from lab.labels import TIMES, change
from lab.stats import Estimate, compare
from lab.stats.architectures import Across, across
from lab.stats.choice import Advice, advise
from lab.stats.tradeoff import tradeoffs
from lab.store.read import read_run
from lab.table import tidy
from tests import synthetic, synthetic_fleet

REFERENCE = synthetic.label(200_000)


@pytest.fixture(scope="module")
def found(fleet: Path) -> list[Across]:
    trials = tidy(read_run("20260102-000000-synthetic", fleet))
    return across(compare(trials, REFERENCE, metrics=["wakeup_p50_ns"]))


@pytest.fixture(scope="module")
def advice(fleet: Path) -> Advice:
    trials = tidy(read_run("20260102-000000-synthetic", fleet))
    (only,) = advise(tradeoffs(trials, REFERENCE), weight=0.8)
    return only


def test_a_sentence_says_every_architecture(found: list[Across]) -> None:
    said = next(
        words.sentence(each)
        for each in found
        if (each.workload, each.setting) == ("fixed-30us", synthetic.label(0))
    )
    start = f"halt_poll_ns 200 µs → 0, fixed-30us: median wake-up latency {TIMES}3."
    assert said.startswith(start)
    assert " on x86 (2 hosts), " in said
    assert " on arm64 (one host, altra), " in said
    assert " on s390x (one host, z16), which differs from x86 and arm64, " in said
    assert said.endswith(f", no effect on ppc64 (inert: {synthetic_fleet.INERT})")


def test_the_largest_differences_come_first_and_a_reason_once(found: list[Across]) -> None:
    said = words.differences(found)
    assert len(said) == words.SAID + 1 or not said[-1].startswith("and ")
    assert sum(synthetic_fleet.INERT in each for each in said) == 1
    assert all(" differs from " in each for each in said[:-1])


def test_contrasts_are_counted(found: list[Across]) -> None:
    said = words.tally(found)
    pairs = sum(len(each.interactions) for each in found)
    assert said.startswith(f"of {pairs} pairs of effects on two architectures, ")
    assert " differ" in said
    assert words.tally([]) == ""


def test_a_recommendation_names_its_price(advice: Advice) -> None:
    z = words.recommendation(advice.hosts["z16"], advice.tradeoffs["z16"])
    assert z.startswith("s390x (one host, z16): set 0: median wake-up latency ")
    assert " of a CPU. fixed-30us: " in z
    assert "fixed-30us: frees " in z
    x86 = words.recommendation(advice.architectures["x86_64"])
    assert x86.startswith("x86 (2 hosts): ")
    power = words.recommendation(advice.hosts["p9"])
    assert power == (
        "ppc64 (one host, p9): nothing to choose, the knob is inert: " + synthetic_fleet.INERT + "."
    )


@pytest.mark.parametrize(
    ("saved", "burned", "said"),
    [
        ((21_000, 1), (0.031, 0.001), "saves 21 µs p50 for 3.1 % of a CPU"),
        ((21_000, 1), (-0.031, 0.001), "saves 21 µs p50 and frees 3.1 % of a CPU"),
        ((-21_000, 1), (-0.031, 0.001), "costs 21 µs p50 and frees 3.1 % of a CPU"),
        ((-21_000, 1), (0.031, 0.1), "costs 21 µs p50"),
        ((21_000, 30_000), (0.031, 0.1), "no change shown"),
    ],
)
def test_the_price_names_only_what_is_shown(
    advice: Advice, saved: tuple[float, float], burned: tuple[float, float], said: str
) -> None:
    (tradeoff, *_) = advice.tradeoffs["altra"]
    spans = [Estimate(v, v - half, v + half, 0.95) for v, half in (saved, burned)]
    point = replace(tradeoff.points[1], saved=spans[0], burned=spans[1])
    priced = replace(tradeoff, points=(tradeoff.points[0], point))
    assert words._in_nanoseconds(priced, point.setting) == said


def test_keeping_the_reference_says_what_could_have_gone_unseen(advice: Advice) -> None:
    choice = advice.hosts["z16"]
    assert choice.loss
    assert choice.unseen
    at_the_edge = replace(choice.loss, value=float(np.log(choice.unseen)))
    tests = len(choice.candidates) - 1
    assert 0 < tests * at_the_edge.p < 0.05
    doubtful = replace(choice, setting=choice.reference, p_adjusted=0.4)
    said = words.recommendation(doubtful)
    assert f"no more than {change(choice.unseen)} could go unseen" in said


def test_one_setting_for_all_names_each_regret(advice: Advice) -> None:
    assert advice.fleet
    said = words.fleet_recommendation(advice.fleet)
    assert said.startswith("One setting for all: ")
    for name in ("x86 (2 hosts)", "arm64 (one host, altra)", "s390x (one host, z16)"):
        assert name in said
    assert f"no difference on ppc64 (inert: {synthetic_fleet.INERT})" in said
