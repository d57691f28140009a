from __future__ import annotations

from pathlib import Path

import pytest

from lab import across as words
from lab.labels import TIMES
from lab.stats import compare
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
    assert "p50" in z
    x86 = words.recommendation(advice.architectures["x86_64"])
    assert x86.startswith("x86 (2 hosts): ")
    power = words.recommendation(advice.hosts["p9"])
    assert power == (
        "ppc64 (one host, p9): nothing to choose, the knob is inert: " + synthetic_fleet.INERT + "."
    )


def test_the_price_is_saved_for_burned(advice: Advice) -> None:
    """Against a reference of 0, polling 200 µs saves latency for CPU."""
    (each, *_) = advice.tradeoffs["altra"]
    by = {point.setting: point for point in each.points}
    assert words._in_nanoseconds(each, synthetic.label(0)).startswith("costs ")
    assert " and frees " in words._in_nanoseconds(each, synthetic.label(0))
    assert by[synthetic.label(0)].saved.value < 0


def test_one_setting_for_all_names_each_regret(advice: Advice) -> None:
    assert advice.fleet
    said = words.fleet_recommendation(advice.fleet)
    assert said.startswith("One setting for all: ")
    for name in ("x86 (2 hosts)", "arm64 (one host, altra)", "s390x (one host, z16)"):
        assert name in said
    assert f"no difference on ppc64 (inert: {synthetic_fleet.INERT})" in said
