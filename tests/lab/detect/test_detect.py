"""What a maintainer is told of a history, and what not."""

from __future__ import annotations

import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.detect import Break, Finding, Kind, Rule, Series, State, Way, detect, judge
from lab.detect.synthetic import Change, Noise, Recipe, Synthetic, synthesize
from lab.errors import UsageError

FIRST = date(2026, 1, 1)
SEED = 4


def day(night: int) -> date:
    return FIRST + timedelta(days=night)


def made(
    *changes: Change, nights: int = 100, noise: Noise = Noise.WHITE, seed: int = SEED
) -> Synthetic:
    return synthesize(Recipe(noise, changes, nights=nights), seed)


def quiet_then(values: list[float], trials: int = 5) -> pd.DataFrame:
    """Return 40 nights about 100, spread by 1 %, then nights of the `values` given."""
    rng = np.random.default_rng(SEED)
    levels = [*rng.normal(100, 1, 40), *values]
    nights = [
        {"host": "epyc", "night": day(night), "value": level + rng.normal(0, 0.5)}
        for night, level in enumerate(levels)
        for _ in range(trials)
    ]
    return pd.DataFrame(nights)


def only(found: list[Finding]) -> Finding:
    (finding,) = found
    return finding


def test_a_step_is_to_be_confirmed_with_its_size_and_its_night() -> None:
    finding = only(detect(made(Change(96, 0.05)).history()))
    assert finding.state is State.TO_CONFIRM
    assert (finding.kind, finding.way) == (Kind.STEP, Way.UP)
    assert finding.since == day(96)
    assert finding.night == day(99)
    low, high = finding.ratio.low, finding.ratio.high
    assert low is not None
    assert high is not None
    assert 1 < low < 1.05 < high < 1.1
    assert finding.baseline == pytest.approx(10_000, rel=0.01)
    assert finding.confidence > 0.999
    assert finding.tonight.stands_out
    assert finding.shift.is_change


def test_a_fall_is_a_finding_too() -> None:
    finding = only(detect(made(Change(96, -0.05)).history()))
    assert finding.way is Way.DOWN
    assert finding.ratio.value < 1


def test_the_last_night_alone_is_suspicious_and_run_again_when_far_off() -> None:
    for value, state in ((104.5, State.SUSPICIOUS), (150, State.TO_CONFIRM)):
        finding = only(detect(quiet_then([value])))
        assert finding.state is state
        assert finding.since == finding.night == day(40)


@given(st.floats(1.03, 1000), st.booleans(), st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_whatever_the_last_night_was_it_does_not_alert_alone(
    factor: float,
    down: bool,  # noqa: FBT001
    trials: int,
) -> None:
    value = 100 / factor if down else 100 * factor
    history = quiet_then([value], trials)
    level = history[history["night"] == day(39)].assign(night=day(40))
    for found in (detect(history), detect(history, reruns=level)):
        assert all(finding.state is not State.CONFIRMED for finding in found)


@pytest.mark.parametrize("spike", [105, 150, 10_000])
def test_a_single_spike_is_no_change_on_any_night_after_it(spike: float) -> None:
    history = quiet_then([spike, *np.random.default_rng(1).normal(100, 1, 20)])
    for night in range(41, 61):
        found = detect(history[history["night"] <= day(night)])
        assert not found, night


def test_two_spikes_apart_are_no_change() -> None:
    history = quiet_then([150, 100, 99, 101, 150, 100])
    assert not detect(history)


def test_a_change_that_is_taken_back_is_not_to_be_confirmed_any_more() -> None:
    up = quiet_then([110, 110, 110])
    assert only(detect(up)).state is State.TO_CONFIRM
    back = quiet_then([110, 110, 110, 100, 100, 100])
    assert not [each for each in detect(back) if each.state is State.TO_CONFIRM]


@pytest.mark.parametrize("gap", [7, 12])
@pytest.mark.parametrize("second", [0.05, -0.05])
def test_a_step_does_not_blind_what_follows(gap: int, second: float) -> None:
    history = made(Change(60, 0.05), Change(60 + gap, second), nights=62 + gap + 1).history()
    finding = only(detect(history))
    assert finding.state is State.TO_CONFIRM
    assert abs(finding.since - day(60 + gap)) <= timedelta(days=1)
    assert finding.way is (Way.UP if second > 0 else Way.DOWN)


def test_a_slow_drift_is_found_and_called_so() -> None:
    told = []
    whole = made(Change(60, 0.06, nights=60), nights=140)
    for nights in range(61, 141):
        told += detect(whole.until(nights).history())
    true = [each for each in told if each.since >= day(60)]
    asked = [each for each in true if each.state is State.TO_CONFIRM]
    assert {each.way for each in asked} == {Way.UP}
    # A tenth of a percent a night: found before half of it has happened.
    assert asked[0].night < day(90)
    assert Kind.DRIFT in {each.kind for each in asked}


def test_what_a_rerun_repeats_is_confirmed() -> None:
    series = made(Change(98, 0.05))
    finding = only(detect(series.history(), reruns=series.rerun(99)))
    assert finding.state is State.CONFIRMED


def test_what_a_rerun_does_not_repeat_is_not() -> None:
    series = made(Change(98, 0.05))
    level = made().rerun(99)
    assert only(detect(series.history(), reruns=level)).state is not State.CONFIRMED


def test_one_night_is_confirmed_by_its_rerun_only_when_far_off() -> None:
    for size, state in ((0.03, State.SUSPICIOUS), (0.05, State.CONFIRMED)):
        series = made(Change(99, size))
        finding = only(detect(series.history(), reruns=series.rerun(99)))
        assert finding.state is state
        assert finding.since == day(99)


def test_a_night_and_its_rerun_count_as_one_night() -> None:
    # Two such nights would be a change; one that was run twice is one that may be disturbed.
    two = quiet_then([104.5, 104.5])
    last = two[two["night"] == day(41)]
    assert only(detect(two, reruns=last)).state is State.CONFIRMED
    one = two[two["night"] <= day(40)]
    assert only(detect(one, reruns=last.assign(night=day(40)))).state is not State.CONFIRMED


def test_adding_nights_never_rewrites_what_was_said() -> None:
    whole = made(Change(40, 0.03), Change(60, -0.05), nights=90, noise=Noise.SPIKED)
    shuffled = whole.history().sample(frac=1, random_state=1)
    for nights in range(30, 91, 7):
        upto = shuffled[shuffled["night"] < pd.Timestamp(day(nights))]
        assert detect(upto) == detect(whole.until(nights).history())


def test_no_comparison_crosses_a_break() -> None:
    history = made(Change(80, 0.2)).history()
    asked = [Break(day(80), "new microcode", host="made-up")]
    assert not detect(history, asked)
    (judgement,) = judge(history, asked)
    assert judgement.reset_by == asked[0]
    assert judgement.since == day(80)
    assert judgement.level == pytest.approx(12_000, rel=0.01)
    late = history[history["night"] < pd.Timestamp(day(85))]
    (judgement,) = judge(late, asked)
    assert judgement.reason == (
        "more than 10 nights are needed, and there are 5 since 2026-03-22: new microcode"
    )


def test_a_break_concerns_the_series_it_names() -> None:
    finding = only(detect(made(Change(97, 0.2)).history(), [Break(day(97), "new", host="z16")]))
    assert finding.state is State.TO_CONFIRM


def test_less_than_the_noise_floor_or_the_least_effect_is_nothing() -> None:
    history = made(Change(97, 0.05)).history()
    series = judge(history)[0].series
    assert detect(history)
    assert not detect(history, noise_floor=0.08)
    assert not detect(history, noise_floor={series: 0.08})
    assert detect(history, noise_floor={series._replace(host="other"): 0.08})
    assert not detect(history, rule=Rule(minimum_effect=0.08))


def test_exact_counts_change_at_once() -> None:
    # Path lengths do not scatter: the second night tells.
    nights = [1196.0] * 20 + [1210.0] * 2
    history = pd.DataFrame({"night": [day(n) for n in range(22)], "value": nights})
    finding = only(detect(history))
    assert finding.state is State.TO_CONFIRM
    assert finding.ratio.value == pytest.approx(1210 / 1196)
    assert not detect(history[:20])


def test_a_night_of_one_wild_trial_says_less_than_one_of_many() -> None:
    history = quiet_then([106], trials=8)
    assert detect(history)
    tonight = history["night"] == day(40)
    wild = pd.concat([history[~tonight], history[tonight][:2].assign(value=[90.0, 120.0])])
    assert not detect(wild)


def test_trials_of_one_block_count_as_one() -> None:
    alone = quiet_then([103, 103], trials=3)
    alone["block"] = alone.groupby("night").cumcount()
    repeated = pd.concat([alone] * 4)
    assert judge(repeated) == judge(alone)


def test_series_are_judged_apart_and_only_tonight_is_told() -> None:
    stale = made(Change(97, 0.2), nights=99).history("epyc")
    fresh = made(Change(97, 0.2)).history("z16")
    found = detect(pd.concat([stale, fresh]))
    assert [each.series.host for each in found] == ["z16"]
    assert len(judge(pd.concat([stale, fresh]))) == 2


def test_nights_without_trials_are_passed_over() -> None:
    history = made(Change(95, 0.05)).history()
    gap = history["night"].isin([pd.Timestamp(day(night)) for night in (40, 41, 97)])
    finding = only(detect(history[~gap]))
    assert finding.since == day(95)
    assert finding.after == 4


def test_what_cannot_be_judged_says_why() -> None:
    (few,) = judge(made(nights=10).history())
    assert few.reason == "more than 10 nights are needed, and there are 10"
    assert few.finding is None
    assert few.detectable is None
    history = made().history()
    history.loc[3, "value"] = 0
    (zero,) = judge(history)
    assert zero.reason == "some trials are 0 or less, so there is no ratio"


def test_the_smallest_visible_change_shrinks_with_the_noise() -> None:
    calm, noisy = (
        judge(synthesize(Recipe(spread=spread, nights=60), SEED).history())[0].detectable
        for spread in (0.005, 0.02)
    )
    assert calm is not None
    assert noisy is not None
    assert 1 < calm < noisy


def test_bad_histories_are_refused_in_one_sentence() -> None:
    with pytest.raises(UsageError, match="has no column 'night'"):
        detect(pd.DataFrame({"value": [1.0]}))
    measured = made().history().assign(clock_class="hardware")
    with pytest.raises(UsageError, match="mixes made-up nights with measured ones"):
        detect(pd.concat([made().history("a"), measured]))
    with pytest.raises(UsageError, match="must hold two baselines"):
        Rule(window=15)


def test_a_finding_is_plain_json() -> None:
    finding = only(detect(made(Change(96, 0.05)).history()))
    record = json.loads(json.dumps(finding.record()))
    assert record["since"] == day(96).isoformat()
    assert record["host"] == "made-up"
    assert record["state"] == "to confirm"


def test_an_empty_history_has_no_findings() -> None:
    assert detect(pd.DataFrame({"night": [], "value": []})) == []


def test_a_series_is_told_by_all_its_fields() -> None:
    history = quiet_then([100])
    assert judge(history)[0].series == Series("epyc", "", "", "", "")
