from __future__ import annotations

import numpy as np
import pytest

from lab.stats import choice
from lab.stats.choice import Blocks, advise, choose, choose_for_fleet
from lab.stats.location import Floats
from lab.stats.tradeoff import Tradeoff, front, tradeoffs
from lab.store.read import Run, read_run
from lab.table import tidy
from tests import synthetic

REFERENCE = synthetic.label(200_000)
RNG = np.random.default_rng(20181024)


@pytest.fixture(scope="module")
def found(run: Run) -> list[Tradeoff]:
    return tradeoffs(tidy(run), REFERENCE)


def test_a_front_without_margin_is_paretos() -> None:
    latency = np.array([1.0, 2.0, 3.0, 3.0, 1.0])
    cpu = np.array([3.0, 2.0, 1.0, 2.5, 3.0])
    assert front(latency, cpu, margin=1.0).tolist() == [True, True, True, False, True]


def test_settings_that_do_the_same_share_the_front() -> None:
    latency, cpu = np.array([1.0, 1.02, 1.1]), np.array([1.0, 1.0, 1.0])
    assert front(latency, cpu).tolist() == [True, True, False]
    assert front(latency, cpu, margin=1.0).tolist() == [True, False, False]


def test_points_are_medians_and_the_reference_comes_first(run: Run, found: list[Tradeoff]) -> None:
    names = [each["name"] for each in synthetic.WORKLOADS]
    assert [each.workload for each in found] == names
    tidy_ = tidy(run)
    for each in found:
        assert each.settings[0] == REFERENCE
        assert each.n == 6
        for point in each.points:
            rows = tidy_[
                (tidy_["workload"] == each.workload)
                & (tidy_["setting"] == point.setting)
                & (tidy_["metric"] == "wakeup_p50_ns")
                & ~tidy_["warmup"]
            ]
            assert point.latency == pytest.approx(rows["value"].median())
            assert 0 <= point.on_front <= 1
            assert point.saved.low is not None
            assert point.saved.high is not None
            assert point.saved.low <= point.saved.value <= point.saved.high


def test_a_ceiling_just_above_the_interval_dominates_a_larger_one(found: list[Tradeoff]) -> None:
    """Polling 200 µs and 1 ms both catch a wake-up every 150 µs; 50 µs and 0 both miss it."""
    each = next(each for each in found if each.workload == "fixed-150us")
    on_front = {point.setting: point.on_front for point in each.points}
    assert on_front[REFERENCE] > 0.5
    assert on_front[synthetic.label(0)] > 0.5
    by = {point.setting: point for point in each.points}
    assert by[synthetic.label(0)].saved.value < 0
    assert by[synthetic.label(0)].burned.value < -0.5


def test_the_probability_of_the_front_is_that_of_new_blocks() -> None:
    """The bootstrap's share against the share among experiments that are really repeated."""
    true = np.array([[10.0, 9.4, 12.0], [1.0, 1.0, 0.5]])
    values = true[:, None] * np.exp(RNG.normal(0, 0.05, (2, 40, 3)))
    again = true[:, None, None] * np.exp(RNG.normal(0, 0.05, (2, 4_000, 40, 3)))
    repeated = front(*np.median(again, axis=2)).mean(axis=0)
    drawn = RNG.integers(40, size=(4_000, 40))
    resampled = front(*np.median(values[:, drawn, :], axis=2)).mean(axis=0)
    assert repeated[2] == resampled[2] == 1
    assert 0.05 < repeated[0] < 0.95
    assert abs(resampled - repeated).max() < 0.5


def blocks(host: str, losses: dict[str, tuple[float, float]], architecture: str = "x86_64",
           spread: float = 0.02, inert: str | None = None) -> Blocks:  # fmt: skip
    """Blocks of one host: ratios of latency and CPU to the reference, by setting."""
    settings = ("k=0", *losses)
    centres = np.log(np.array([(1.0, 1.0), *losses.values()])).T

    def noisy(centre: Floats) -> Floats:
        values = centre + RNG.normal(0, spread, (8, len(settings)))
        values[:, 0] = 0
        return values

    latency, cpu = noisy(centres[0]), noisy(centres[1])
    return Blocks(host, architecture, "hardware", "k=0", ("w",), settings, latency, cpu,
                  0.3 * (np.exp(cpu) - 1), inert)  # fmt: skip


def test_what_weighs_less_is_recommended_with_its_price() -> None:
    found = choose([blocks("a", {"k=1": (0.5, 1.2), "k=2": (0.9, 1.5)})])
    assert (found.setting, found.best) == ("k=1", "k=1")
    assert found.loss
    assert found.loss.ratio == pytest.approx(np.sqrt(0.5 * 1.2), rel=0.03)
    assert found.latency
    assert found.latency.ratio == pytest.approx(0.5, rel=0.05)
    assert found.burned
    assert found.burned.value == pytest.approx(0.06, abs=0.02)


def test_the_weight_decides() -> None:
    hosts = [blocks("a", {"k=1": (0.5, 4.0), "k=2": (2.0, 0.25)})]
    assert choose(hosts, 0.9).setting == "k=1"
    assert choose(hosts, 0.1).setting == "k=2"


def test_what_is_not_shown_is_not_recommended() -> None:
    found = choose([blocks("a", {"k=1": (0.99, 1.0), "k=2": (1.0, 1.0)}, spread=0.3)])
    assert found.setting == "k=0"


def test_settings_that_are_all_alike_are_rarely_recommended() -> None:
    alike = {f"k={number}": (1.0, 1.0) for number in range(1, 6)}
    wrong = sum(choose([blocks("a", alike, spread=0.1)]).setting != "k=0" for _ in range(400))
    assert wrong / 400 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 400)


def test_one_setting_for_all_has_the_least_of_the_largest_regrets() -> None:
    hosts = [
        blocks("a", {"k=1": (0.5, 1.0), "k=2": (0.8, 1.0)}, "x86_64"),
        blocks("z", {"k=1": (2.0, 1.0), "k=2": (0.9, 1.0)}, "s390x"),
        blocks("p", {"k=1": (1.0, 1.0), "k=2": (1.0, 1.0)}, "ppc64le", inert="does not poll"),
    ]
    found = choose_for_fleet(hosts)
    assert found
    assert found.setting == "k=2"
    x86, z = found.regrets
    assert (x86.best, z.best) == ("k=1", "k=2")
    assert z.loss is None
    assert x86.loss
    assert x86.loss.ratio == pytest.approx(np.sqrt(0.8 / 0.5), rel=0.03)
    assert found.indifferent == {"ppc64le": "does not poll"}


def test_hosts_of_one_architecture_choose_together() -> None:
    hosts = [blocks(name, {"k=1": (0.5, 1.0)}) for name in "abc"]
    found = choose(hosts)
    assert found.hosts == ("a", "b", "c")
    assert found.setting == "k=1"
    assert found.loss
    assert found.loss.df == 2


def test_advice_keeps_clock_classes_apart(run: Run, found: list[Tradeoff]) -> None:
    (only,) = advise(found)
    assert only.clock_class == "hardware"
    assert list(only.hosts) == ["synthetic"]
    assert only.fleet
    assert run.manifest["hosts"].keys() == only.tradeoffs.keys()


def test_too_few_common_blocks_choose_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = synthetic.write_run(tmp_path_factory.mktemp("few"), blocks=5)
    assert tradeoffs(tidy(read_run(folder)), REFERENCE) == []


def test_a_host_that_cannot_act_has_nothing_to_choose(fleet_run: Run) -> None:
    (advice,) = advise(tradeoffs(tidy(fleet_run), REFERENCE))
    assert advice.hosts["p9"].inert
    assert choice.by_architecture([]) == {}
    assert advice.fleet
    assert list(advice.fleet.indifferent) == ["ppc64le"]


@pytest.fixture(scope="module")
def fleet_run(fleet: object) -> Run:
    return read_run("20260102-000000-synthetic", fleet)  # type: ignore[arg-type]
