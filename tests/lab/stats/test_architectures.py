from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lab.metrics import Direction
from lab.stats import Comparison, Verdict
from lab.stats.architectures import Agreement, across, over_hosts
from lab.stats.meta import combine

INERT = "KVM-HV on POWER9 and later does not poll"
PLAIN = Comparison(
    run="r",
    host="a",
    architecture="x86_64",
    clock_class="hardware",
    workload="w",
    metric="wakeup_p50_ns",
    unit="ns",
    direction=Direction.LOWER,
    setting="vm.k=1",
    reference="vm.k=0",
    n=10,
    median=None,
    reference_median=None,
    difference=None,
    ratio=None,
    low=None,
    high=None,
    p=0.001,
    p_adjusted=0.002,
    family=2,
    detectable=1.1,
    verdict=Verdict.BETTER,
    reason="because",
)


def compared(
    host: str, architecture: str, ratio: float, error: float = 0.02, **more: Any
) -> Comparison:
    effect = np.log(ratio)
    return replace(
        PLAIN,
        host=host,
        architecture=architecture,
        ratio=ratio,
        log_ratio=effect,
        standard_error=error,
        freedom=9.0,
        low=float(np.exp(effect - 2.26 * error)),
        high=float(np.exp(effect + 2.26 * error)),
        **more,
    )


def inert(host: str, architecture: str) -> Comparison:
    return replace(
        PLAIN, host=host, architecture=architecture, verdict=Verdict.INERT, reason=INERT, p=None
    )


def test_one_host_is_itself() -> None:
    (found,) = across([compared("a", "x86_64", 0.7)])
    (effect,) = found.effects
    assert effect.hosts == ("a",)
    assert effect.heterogeneity is None
    assert found.between is None
    alone = compared("a", "x86_64", 0.7)
    assert (effect.ratio, effect.low, effect.high) == pytest.approx((0.7, alone.low, alone.high))
    assert (effect.verdict, effect.p_adjusted, effect.reason) == (Verdict.BETTER, 0.002, "because")


def test_hosts_of_an_architecture_are_combined() -> None:
    hosts = [
        compared(name, "x86_64", ratio) for name, ratio in zip("abc", (0.6, 0.65, 0.7), strict=True)
    ]
    (found,) = across(hosts)
    (effect,) = found.effects
    pooled = combine(np.log([0.6, 0.65, 0.7]), np.full(3, 0.02**2))
    assert effect.heterogeneity == pooled
    assert effect.ratio == pytest.approx(np.exp(pooled.effect))
    assert (effect.low, effect.high) == pytest.approx((np.exp(pooled.low), np.exp(pooled.high)))
    assert effect.verdict is Verdict.BETTER
    assert effect.hosts == ("a", "b", "c")


def test_a_host_in_several_runs_counts_once() -> None:
    nights = [compared("a", "x86_64", ratio, run=f"r{ratio}") for ratio in (0.60, 0.61, 0.62)]
    (found,) = across(nights)
    assert found.effects[0].hosts == ("a",)
    assert found.effects[0].heterogeneity is None
    both = over_hosts([*nights, compared("b", "x86_64", 0.8)])
    assert both
    assert both[1]
    assert both[1].k == 2


def test_architectures_that_differ_are_said_to() -> None:
    (found,) = across(
        [
            compared("a", "x86_64", 0.62),
            compared("b", "aarch64", 0.65),
            compared("z", "s390x", 1.12),
            inert("p", "ppc64le"),
        ]
    )
    said = {(each.one, each.other): each for each in found.interactions}
    assert said["x86_64", "aarch64"].agreement is Agreement.INCONCLUSIVE
    assert said["x86_64", "s390x"].agreement is Agreement.DIFFERENT
    assert said["aarch64", "s390x"].agreement is Agreement.DIFFERENT
    assert said["x86_64", "s390x"].estimate.ratio == pytest.approx(0.62 / 1.12)
    assert found.between
    assert found.between.i2 > 0.9
    assert found.between.p_heterogeneity < 0.001


def test_inert_and_missing_stay_words() -> None:
    (found,) = across(
        [compared("a", "x86_64", 0.6), inert("p9", "ppc64le"), inert("p10", "ppc64le")]
    )
    x86, power = found.effects
    assert x86.estimate
    assert (power.verdict, power.reason, power.estimate) == (Verdict.INERT, INERT, None)
    assert [each.host for each in power.without] == ["p9", "p10"]
    assert found.interactions == ()


def test_an_inert_host_beside_others_of_its_kind_is_not_combined() -> None:
    (found,) = across([compared("p8", "ppc64le", 0.6), inert("p9", "ppc64le")])
    (effect,) = found.effects
    assert effect.hosts == ("p8",)
    assert [each.host for each in effect.without] == ["p9"]


def test_clock_classes_are_never_contrasted() -> None:
    found = across(
        [
            compared("a", "x86_64", 0.6),
            compared("e", "x86_64", 0.9, clock_class="emulated"),
            compared("f", "aarch64", 0.5, clock_class="emulated"),
        ]
    )
    assert [each.clock_class for each in found] == ["hardware", "emulated"]
    assert found[0].interactions == ()
    assert [(each.one, each.other) for each in found[1].interactions] == [("x86_64", "aarch64")]


def test_effects_that_are_alike_agree_within_the_margin() -> None:
    (found,) = across(
        [compared("a", "x86_64", 0.60, 0.005), compared("b", "aarch64", 0.605, 0.005)]
    )
    assert found.interactions[0].agreement is Agreement.EQUIVALENT


def test_false_alarms_keep_to_their_level() -> None:
    """Hosts of two architectures draw from one distribution: their contrast is rarely shown."""
    rng = np.random.default_rng(20181024)
    shown = 0
    for _ in range(400):
        hosts = [
            compared(f"{kind}{number}", kind, float(np.exp(rng.normal(0, 0.06))), 0.02)
            for kind in ("x86_64", "aarch64")
            for number in range(4)
        ]
        (found,) = across(hosts)
        shown += found.interactions[0].agreement is Agreement.DIFFERENT
    assert shown / 400 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 400)


def test_records_have_a_row_for_each_architecture() -> None:
    (found,) = across(
        [compared("a", "x86_64", 0.6), compared("z", "s390x", 1.1), inert("p", "ppc64le")]
    )
    x86, z, power = json.loads(json.dumps(found.records(), allow_nan=False))
    assert (x86["architecture"], x86["hosts"], x86["differs_from"]) == ("x86_64", "a", "s390x")
    assert x86["ratio"] == pytest.approx(0.6)
    assert z["differs_from"] == "x86_64"
    assert (power["ratio"], power["verdict"], power["reason"]) == (None, "inert", INERT)
