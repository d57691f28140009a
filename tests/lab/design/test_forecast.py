"""Forecasts from a pilot: they follow the square root of n, and only from the same cells."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from lab.design import forecast, looks
from lab.design.experiment import Experiment, Stop
from lab.design.forecast import Forecast, forecasts
from lab.errors import UsageError
from lab.stats.power import detectable_ratio, expected_width
from lab.store.read import Run, read_run
from lab.terminal import forecast as forecast_tables
from tests import synthetic

CPU = "cpu_ns_per_wakeup"


def question(**changes: Any) -> Experiment:
    document: dict[str, Any] = {
        "analysis": "why",
        "seed": 1,
        "blocks": 30,
        "time_budget_s": 600,
        "overhead": False,
        "aa": True,
        "knobs": {synthetic.KNOB: [0, 200_000]},
        "reference": synthetic.REFERENCE,
        "workloads": [synthetic.FIXED_150US],
    }
    return Experiment.model_validate(document | changes)


@pytest.fixture(scope="module")
def pilot(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return read_run(
        synthetic.write_run(
            tmp_path_factory.mktemp("pilot"),
            settings=[{synthetic.KNOB: 0}, synthetic.REFERENCE, {synthetic.KNOB: 50_000}],
            workloads=[synthetic.FIXED_150US, synthetic.FIXED_30US],
            blocks=8,
            aa=True,
        )
    )


@pytest.fixture(scope="module")
def found(pilot: Run) -> list[Forecast]:
    return forecasts(pilot, question(), [8, 32])


def test_a_contrast_is_a_setting_or_the_aa_arm_of_the_experiment(found: list[Forecast]) -> None:
    contrasts = {(each.workload, each.setting) for each in found}
    assert contrasts == {("fixed-150us", synthetic.label(0)), ("fixed-150us", "A/A")}
    assert {each.pilot_blocks for each in found} == {8}


def test_four_times_the_blocks_halve_what_goes_unseen(found: list[Forecast]) -> None:
    for each in found:
        few, many = each.outlooks
        assert few.width > many.width > 1
        # More than half, by what the t distribution of eight blocks adds.
        assert few.detectable > detectable_ratio(each.spread, 8)
        assert 2 < math.log(few.detectable) / math.log(many.detectable) < 3
        # A block has three trials of a second each, and the boot a warm-up.
        assert (few.seconds, many.seconds) == (8 * 3 + 1, 32 * 3 + 1)


def test_the_width_foretold_for_the_pilot_is_about_the_one_it_has(
    pilot: Run, found: list[Forecast]
) -> None:
    seen = {
        (each.workload, each.setting, each.metric): math.log(each.high / each.low)
        for each in looks.contrasts(pilot, "synthetic", None)
        if each.low and each.high
    }
    errors = [
        math.log(each.outlooks[0].width) / seen[each.workload, each.setting, each.metric]
        for each in found
    ]
    assert 0.7 < float(np.median(errors)) < 1.5


def test_the_blocks_needed_are_the_fewest_that_are_narrow_enough(pilot: Run) -> None:
    stop = Stop(width=1.02, metrics=[CPU])
    for each in forecasts(pilot, question(stop=stop), [12]):
        assert each.metric == CPU
        assert each.needed is not None
        assert expected_width(each.spread, each.needed) <= 1.02
        if each.needed > 6:
            assert expected_width(each.spread, each.needed - 1) > 1.02


def test_the_experiments_own_blocks_are_looked_at() -> None:
    assert 30 in forecast.sizes(question())
    assert {8, 40} <= set(forecast.sizes(question(blocks=40, stop=Stop(width=1.1, metrics=[CPU]))))
    assert min(forecast.sizes(question(blocks=2))) == 6


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"knobs": {synthetic.KNOB: [200_000, 7]}}, "no trial with vm.halt_poll_ns=7: give a"),
        (
            {"workloads": [{**synthetic.FIXED_150US, "count": 7}]},
            "did not run the workload fixed-150us as the experiment has it",
        ),
    ],
)
def test_a_pilot_of_other_cells_is_refused(
    pilot: Run, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        forecasts(pilot, question(**changes), [8])


def test_a_small_pilot_says_how_little_it_knows() -> None:
    # Tables of the 95 % limits of a standard deviation, n = 6: 0.624 and 2.453.
    assert forecast.spread_factors(6) == pytest.approx((0.624, 2.453), abs=1e-3)


def test_the_table_has_the_contrast_that_is_hardest_to_tell(found: list[Forecast]) -> None:
    console = Console(width=100)
    with console.capture() as capture:
        for each in forecast_tables.tables("pilot-run", found):
            console.print(each)
    text = capture.get()
    assert text.count("fixed-150us") == len({each.metric for each in found})
    assert "From 8 blocks of pilot-run" in text
    worst = max((each for each in found if each.metric == CPU), key=lambda each: each.spread)
    assert forecast_tables.percent(worst.outlooks[1].detectable) in text


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(7.4, "7 s"), (90, "90 s"), (150, "2.5 min"), (7 * 3600, "7.0 h"), (767, "13 min")],
)
def test_times_are_for_people(seconds: float, said: str) -> None:
    assert forecast_tables.duration(seconds) == said


def test_the_page_has_every_contrast(found: list[Forecast]) -> None:
    from lab.report.forecast import pictures, render  # noqa: PLC0415  (plotly is slow to import)

    html = render("pilot-run", found)
    assert html.count('<th scope="row">') == len(found)
    (picture,) = pictures(found)
    (panel,) = picture.multiples
    assert len(panel.figure.data) == len({each.metric for each in found})
    assert all(len(line.x) == 2 for line in panel.figure.data)
