from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lab.errors import UsageError
from lab.metrics import METRICS, Direction
from lab.stats import Comparison, Verdict, cells, compare, comparisons
from lab.stats.verdict import judge
from lab.table import HEAD, KNOB_TYPE, TAIL

KNOB = "host.k"
TYPES = HEAD | {KNOB: KNOB_TYPE} | TAIL
NOISE = np.array([0.0, 0.01, -0.01, 0.005, -0.005, 0.002, -0.002, 0.008])
CPU, HIT_RATE = "cpu_ns_per_wakeup", "poll_hit_rate"


def trials(
    values: Mapping[int, Sequence[float]],
    metric: str = CPU,
    host: str = "a",
    clock: str = "hardware",
    **more: object,
) -> pd.DataFrame:
    """Tidy table with one metric: values by knob, one for each block."""
    rows = [
        {
            "run": "r", "host": host, "architecture": "x86_64", "clock_class": clock,
            "flavour": "vmx", "boot": "b", "trial": 100 * knob + block, "block": block,
            "warmup": False, "setting": f"k={knob}", "probes": "halts", "aa": False,
            KNOB: knob, "workload": "w",
            "guest": "halt", "status": "ok", "reason": None, "metric": metric,
            "value": value, "unit": "ns", **more,
        }
        for knob, blocks in values.items()
        for block, value in enumerate(blocks)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(TYPES)).astype(TYPES)


def unmeasured(knob: int, status: str, reason: str, number: int = 6) -> pd.DataFrame:
    table = trials({knob: [1.0] * number}, status=status, reason=reason)
    return table.assign(metric=None, value=np.nan, unit=None).astype(TYPES)


def noisy(level: float, blocks: int = 6, shift: int = 0) -> list[float]:
    return [float(each) for each in level * np.exp(np.roll(NOISE, shift)[:blocks])]


def only(table: pd.DataFrame, reference: str = "k=1", metric: str = CPU) -> Comparison:
    (found,) = compare(table, reference, metrics=[metric], resamples=199)
    return found


def test_a_clear_drop_of_a_cost_is_better() -> None:
    found = only(trials({1: noisy(100), 2: noisy(50, shift=1)}))
    assert found.verdict is Verdict.BETTER
    assert found.ratio is not None
    assert found.ratio == pytest.approx(0.5, rel=0.02)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.ratio <= found.high < 1
    assert (found.n, found.family) == (6, 1)
    assert found.p == found.p_adjusted
    assert found.detectable is not None
    assert 1 < found.detectable < 1.1
    assert found.difference == pytest.approx(-50, rel=0.02)


def test_a_clear_rise_of_a_cost_is_worse() -> None:
    assert only(trials({1: noisy(100), 2: noisy(200, shift=1)})).verdict is Verdict.WORSE


def test_more_of_what_should_be_high_is_better() -> None:
    table = trials({1: noisy(0.4), 2: noisy(0.8, shift=1)}, HIT_RATE)
    assert only(table, metric=HIT_RATE).verdict is Verdict.BETTER


def test_equal_settings_are_equivalent_within_a_margin_that_the_noise_allows() -> None:
    table = trials({1: noisy(100), 2: noisy(100, shift=1)})
    found = only(table)
    assert found.verdict is Verdict.EQUIVALENT
    assert "within the margin of 5 %" in found.reason
    assert found.p_equivalent is not None
    assert found.p_equivalent < 0.05
    (narrow,) = compare(table, "k=1", metrics=[CPU], margin=1.001)
    assert narrow.verdict is Verdict.INCONCLUSIVE
    assert "holds 1" in narrow.reason
    assert narrow.needed is not None
    assert narrow.needed > 6
    assert found.detectable == narrow.detectable


def test_what_buckets_hide_could_not_have_been_seen() -> None:
    """An effect of the printed size is found in the same trials, whatever values are read from."""
    coarse = next(each.name for each in METRICS if each.resolution)
    values = {1: noisy(100, 12), 2: noisy(100, 12, shift=1)}
    fine, blurred = (only(trials(values, name), metric=name).detectable for name in (CPU, coarse))
    assert fine
    assert blurred
    assert blurred > (1 + 1 / 64) ** 2 > fine
    slower = values | {2: [blurred * each for each in values[2]]}
    assert only(trials(slower, coarse), metric=coarse).verdict is Verdict.WORSE


def test_five_blocks_are_never_enough() -> None:
    found = only(trials({1: noisy(100, 5), 2: noisy(5, 5, shift=1)}))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason == "5 blocks have both settings, and at least 6 are needed"
    assert found.needed == 6
    assert found.ratio == pytest.approx(0.05, rel=0.05)
    assert (found.low, found.p) == (None, None)


def test_only_blocks_with_both_settings_count() -> None:
    table = trials({1: noisy(100, 6), 2: noisy(50, 6, shift=1)})
    failed = (table["setting"] == "k=2") & (table["block"] == 5)
    table.loc[failed, "status"] = "failed"
    table.loc[failed, ["metric", "value"]] = None, np.nan
    found = only(table)
    assert found.n == 5
    assert found.reference_median == pytest.approx(np.median(noisy(100, 6)[:5]))


def test_zero_has_a_difference_and_no_ratio() -> None:
    found = only(trials({1: noisy(100), 2: [0.0] * 6}))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason.startswith("zero in some trials")
    assert found.ratio is None
    assert found.p is None
    assert found.difference == pytest.approx(-100, rel=0.02)


def test_without_spread_there_is_no_test() -> None:
    found = only(trials({1: [100.0] * 6, 2: [50.0] * 6}))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "nothing can be tested" in found.reason
    assert found.ratio == 0.5


@pytest.mark.parametrize("status", ["inert", "missing"])
def test_a_knob_that_cannot_act_gives_its_reason(status: str) -> None:
    table = pd.concat([trials({1: noisy(100)}), unmeasured(2, status, "POWER9 does not poll")])
    found = only(table)
    assert found.verdict == status
    assert found.reason == "POWER9 does not poll"
    assert found.n == 0


def test_a_knob_that_cannot_act_at_all_still_has_rows() -> None:
    table = pd.concat([unmeasured(1, "inert", "no polling"), unmeasured(2, "inert", "no polling")])
    found = compare(table, "k=1", resamples=99)
    assert {each.verdict for each in found} == {Verdict.INERT}
    assert len(found) == 4


def test_failed_trials_are_counted_with_their_reason() -> None:
    table = pd.concat([trials({1: noisy(100)}), unmeasured(2, "failed", "the VMM died")])
    found = only(table)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason == "6 of 6 trials failed: the VMM died"


def test_a_lost_reference_is_said_to_be_the_reference() -> None:
    table = pd.concat([trials({2: noisy(100)}), unmeasured(1, "failed", "the VMM died")])
    assert only(table).reason == "the reference: 6 of 6 trials failed: the VMM died"


def test_warm_ups_do_not_count() -> None:
    table = trials({1: noisy(100), 2: noisy(100, shift=1)})
    warm = trials({1: [1e9], 2: [1.0]}, warmup=True).assign(block=-1)
    assert only(pd.concat([warm, table])) == only(table)


def test_hosts_are_never_pooled() -> None:
    table = pd.concat(
        [
            trials({1: noisy(100), 2: noisy(50, shift=1)}, host="a"),
            trials({1: noisy(9e6), 2: noisy(18e6, shift=1)}, host="b", clock="emulated"),
        ]
    )
    found = compare(table, "k=1", metrics=[CPU], resamples=199)
    assert [(each.host, each.clock_class, each.verdict) for each in found] == [
        ("a", "hardware", Verdict.BETTER),
        ("b", "emulated", Verdict.WORSE),
    ]
    assert {each.family for each in found} == {2}
    assert len(cells(table)) == 4


def test_a_cell_tells_how_far_its_trials_lie_apart() -> None:
    values = [90.0, 98.0, 100.0, 101.0, 103.0, 900.0]
    cell = next(each for each in cells(trials({7: values}), metrics=[CPU]) if each.setting == "k=7")
    # Distances from 100.5, the median: 0.5, 0.5, 2.5, 2.5, 10.5, 799.5.
    assert cell.spread == pytest.approx(1.4826 * 2.5, rel=1e-4)
    assert cell.relative_spread == pytest.approx(1.4826 * 2.5 / 100.5, rel=1e-4)
    few = cells(trials({7: [1.0, 2.0]}), metrics=[CPU])
    assert {each.spread for each in few} == {None}


def test_both_sides_of_a_comparison_tell_their_spread_and_interval() -> None:
    table = trials({1: [8.0, 9.0, 10.0, 12.0, 14.0, 20.0, 99.0], 2: noisy(5, 6)})
    found, (reference, _) = only(table), cells(table[table["block"] < 6], metrics=[CPU])
    assert found.n == reference.n == 6
    assert found.reference_median == reference.median.value == 11
    assert (found.reference_low, found.reference_high) == (8, 20)
    # Distances from 11: 1, 1, 2, 3, 3, 9.
    assert found.reference_spread == reference.spread == pytest.approx(1.4826 * 2.5, rel=1e-4)
    assert found.coverage == reference.median.coverage == 1 - 2 / 2**6
    assert found.median_low == min(noisy(5, 6))
    assert found.median_high == max(noisy(5, 6))
    assert found.spread is not None
    assert found.spread < 0.1
    few = only(trials({1: [1.0, 2.0], 2: [1.0, 2.0]}))
    assert (few.median, few.median_low, few.spread, few.coverage) == (1.5, None, None, None)


def test_comparisons_are_a_sequence_and_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparisons, "AT_ONCE", 2)
    table = pd.concat(
        [
            trials({1: noisy(100), 2: noisy(50, shift=1), 3: [0.0] * 6, 4: noisy(100, shift=2)}),
            unmeasured(5, "inert", "POWER9 does not poll"),
            trials({6: noisy(9, 3)}),
        ]
    )
    found = compare(table, "k=1", metrics=[CPU], resamples=199)
    listed = list(found)
    assert len(found) == len(listed) == 5
    assert [each.setting for each in listed] == ["k=2", "k=3", "k=4", "k=5", "k=6"]
    assert [found[at] for at in (0, 3, -1)] == [listed[at] for at in (0, 3, -1)]
    assert found[1:4] == listed[1:4]
    with pytest.raises(IndexError):
        found[5]
    frame = found.frame()
    assert list(frame["verdict"]) == [each.verdict for each in listed]
    assert list(frame["reason"]) == [each.reason for each in listed]
    assert list(frame) == list(listed[0].record())
    assert frame["low"].isna().tolist() == [each.low is None for each in listed]
    assert compare(table[table["setting"] == "k=1"], "k=1", metrics=[CPU]).frame().empty


def test_a_family_makes_a_weak_effect_of_many_inconclusive() -> None:
    weak = {1: noisy(100, 8), 2: noisy(101.4, 8, shift=3)}
    alone = only(trials(weak))
    assert alone.verdict is Verdict.WORSE
    assert alone.p is not None
    many = trials({**weak, **{knob: noisy(100, 8, shift=knob) for knob in range(3, 12)}})
    found = next(
        each for each in compare(many, "k=1", metrics=[CPU], margin=1.001) if each.setting == "k=2"
    )
    assert found.p == alone.p
    assert found.p_adjusted is not None
    assert found.p_adjusted > 0.05
    assert found.verdict is Verdict.INCONCLUSIVE


def test_settings_come_in_the_order_of_the_knob_as_a_number() -> None:
    table = trials({1: noisy(100), 20: noisy(100), 3: noisy(100), 100: noisy(100)})
    found = compare(table, {"k": 1}, metrics=[CPU], resamples=99)
    assert [each.setting for each in found] == ["k=3", "k=20", "k=100"]


def test_unknown_names_are_usage_errors() -> None:
    table = trials({1: noisy(100), 2: noisy(100)})
    with pytest.raises(
        UsageError, match="no trial has the reference setting k=9: there are k=1; k=2"
    ):
        compare(table, "k=9")
    with pytest.raises(UsageError, match="no metric 'speed': there are round_trip_p50_ns"):
        compare(table, "k=1", metrics=["speed"])


def test_a_verdict_needs_both_p_and_interval() -> None:
    sure = (0.4, 0.6)
    assert judge(0.5, sure, 0.01, Direction.LOWER)[0] is Verdict.BETTER
    assert judge(0.5, sure, 0.05, Direction.LOWER)[0] is Verdict.INCONCLUSIVE
    assert judge(0.5, (0.4, 1.1), 0.01, Direction.LOWER)[0] is Verdict.INCONCLUSIVE
    assert judge(0.5, sure, 0.01, Direction.HIGHER)[0] is Verdict.WORSE
    assert judge(0.5, sure, 0.01, Direction.NEITHER)[0] is Verdict.INCONCLUSIVE


def test_a_record_is_plain() -> None:
    found = only(trials({1: noisy(100), 2: noisy(50, shift=1)}))
    record = found.record()
    assert (type(record["verdict"]), type(record["direction"])) == (str, str)
    assert replace(found, n=3).record()["n"] == 3
