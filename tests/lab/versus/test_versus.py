from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from scipy import stats

from lab.errors import UsageError
from lab.results import load
from lab.selector import parse
from lab.stats.unpaired import difference, mean
from lab.versus import Answer, answer, table
from lab.versus import unpaired as by_runs
from lab.versus.effects import ONE_HOST, SIDE_BY_SIDE
from lab.versus.model import Method, Row
from lab.versus.unpaired import ONE_RUN
from tests import synthetic, synthetic_fleet

FIRST, SECOND = "20260102-000000-synthetic", "20260103-000000-synthetic"
LATENCY = ("workload=fixed-30us", "metric=wakeup_p50_ns")


def ask(store: Path, *terms: str) -> Answer:
    return answer(parse(terms), store)


def only(found: Answer) -> Row:
    (row,) = found.rows
    return row


def test_two_settings_are_paired_within_their_run(fleet: Path) -> None:
    terms = (FIRST, "host=altra", "setting.halt_poll_ns=0", "setting.halt_poll_ns=200000")
    row = only(ask(fleet, *terms, *LATENCY))
    assert row.method is Method.PAIRED
    assert (row.setting, row.reference) == (synthetic.label(200_000), synthetic.label(0))
    assert row.verdict == "better"
    assert row.ratio == pytest.approx(2 / 7, rel=0.1)
    assert (row.n_first, row.n_second) == (6, 6)
    assert row.first
    assert row.first.low is not None
    assert row.first.high is not None
    assert row.first.low <= row.first.value <= row.first.high
    assert row.spread_first
    assert 0 < row.spread_first < row.first.value


def test_narrowing_what_is_shown_does_not_narrow_the_family(fleet: Path) -> None:
    terms = (FIRST, "host=altra", "setting.halt_poll_ns=0", "setting.halt_poll_ns=200000")
    whole = {(row.workload, row.metric): row for row in ask(fleet, *terms).rows}
    row = only(ask(fleet, *terms, *LATENCY))
    assert row == whole[row.workload, row.metric]
    assert row.family > len(whole)


def test_two_runs_are_unpaired(fleet: Path) -> None:
    found = ask(fleet, FIRST, SECOND, "host=altra", "setting.halt_poll_ns=0", *LATENCY)
    row = only(found)
    assert row.method is Method.UNPAIRED
    assert ONE_RUN in found.remarks
    trials = load(FIRST, SECOND, store=fleet).trials
    trials = trials[
        (trials["host"] == "altra") & (trials["setting"] == synthetic.label(0))
        & (trials["workload"] == "fixed-30us") & (trials["metric"] == "wakeup_p50_ns")
        & ~trials["warmup"]
    ]  # fmt: skip
    one, other = (
        mean(np.log(trials[trials["run"] == run]["value"].to_numpy())) for run in (FIRST, SECOND)
    )
    assert one
    assert other
    assert row.ratio == pytest.approx(difference(other, one).ratio)
    assert row.p == pytest.approx(difference(other, one).p)
    assert (row.n_first, row.n_second) == (6, 6)
    values = trials[trials["run"] == FIRST]["value"].to_numpy()
    assert row.spread_first == pytest.approx(stats.median_abs_deviation(values, scale="normal"))


def test_runs_of_one_making_rarely_differ(fleet: Path) -> None:
    found = ask(fleet, FIRST, SECOND)
    shown = [row for row in found.rows if row.verdict in {"better", "worse"}]
    assert len(found.rows) > 100
    assert len(shown) <= 0.05 * len(found.rows)


def test_with_several_runs_on_a_side_the_run_is_the_unit() -> None:
    side = by_runs._Side((np.array([1.0, 1.1, 1.2]), np.array([2.0, 2.1, 2.2])))
    assert side.n == 2
    assert side.effect
    assert side.effect.df == 1
    assert by_runs._Side((np.array([1.0] * 5 + [2.0]),)).effect
    few = by_runs._Side((np.array([1.0, 1.1, 1.2]),))
    assert "3 blocks on a side" in few.obstacle


def test_two_hosts_are_compared_by_their_effects(fleet: Path) -> None:
    found = ask(fleet, FIRST, "host=altra", "host=z16", "setting.halt_poll_ns=0", *LATENCY)
    row = only(found)
    assert row.method is Method.EFFECTS
    assert row.unit == "ratio"
    assert row.verdict == "different"
    assert row.first
    assert row.second
    assert row.ratio == pytest.approx(row.second.value / row.first.value)
    assert ONE_HOST in found.remarks


def test_two_architectures_combine_their_hosts(fleet: Path) -> None:
    row = only(ask(fleet, FIRST, "arch=x86", "arch=arm64", "setting.halt_poll_ns=0", *LATENCY))
    assert row.where == "xeon, epyc | altra"
    assert (row.n_first, row.n_second) == (2, 6)


def test_the_noise_floor_of_runs_and_of_hosts_is_that_of_their_second_arms(tmp_path: Path) -> None:
    for name, seed in ((FIRST, 1), (SECOND, 2)):
        synthetic.write_run(
            tmp_path,
            name,
            hosts=dict.fromkeys(("one", "other"), "hardware"),
            workloads=[synthetic.FIXED_30US],
            seed=seed,
            aa=True,
        )
    terms = ("setting.halt_poll_ns=0", *LATENCY)
    floors = {
        each.where.split(",")[0]: each.noise_floor or 0
        for each in ask(tmp_path, FIRST, *terms).rows
    }
    between = only(ask(tmp_path, FIRST, "host=one", "host=other", *terms)).noise_floor
    both = np.hypot(*np.log(list(floors.values())))
    assert between == pytest.approx(np.exp(both))
    of_runs = only(ask(tmp_path, FIRST, SECOND, "host=one", *terms)).noise_floor
    assert of_runs
    assert of_runs >= floors["one"] > 1


def test_an_inert_side_is_a_word(fleet: Path) -> None:
    row = only(ask(fleet, FIRST, "arch=x86", "arch=ppc64", "setting.halt_poll_ns=0", *LATENCY))
    assert (row.verdict, row.ratio) == ("inert", None)
    assert row.reason == f"p9: {synthetic_fleet.INERT}"


def test_different_clock_classes_stand_side_by_side(tmp_path: Path) -> None:
    synthetic_fleet.write_fleet(
        tmp_path, clocks={"altra": "emulated"}, workloads=[synthetic.FIXED_30US]
    )
    found = ask(tmp_path, "host=xeon", "host=altra", "setting.halt_poll_ns=0", *LATENCY)
    row = only(found)
    assert row.method is Method.SIDE_BY_SIDE
    assert row.ratio is None
    assert row.verdict == "not contrasted"
    assert row.first
    assert row.second
    assert SIDE_BY_SIDE in found.remarks


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        (("workload=fixed-30us", "workload=exponential-100us"), "ask different questions"),
        (("metric=cpu_share", "metric=wakeup_p50_ns"), "measure different things"),
        (("clock=hardware", "clock=nested"), "never compared"),
        (("host=xeon", "arch=arm64"), "no trial has arch=arm64"),
        (("arch=x86", "setting=vm.halt_poll_ns=7"), "no trial has setting=vm.halt_poll_ns=7"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(
    fleet: Path, terms: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(UsageError) as error:
        ask(fleet, FIRST, *terms)
    assert sentence in str(error.value)


@pytest.fixture(scope="module")
def shown(fleet: Path) -> Answer:
    return ask(fleet, FIRST, "arch=arm64", "arch=s390x", "workload=fixed-30us")


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits_and_marks_what_is_not_shown(shown: Answer, width: int) -> None:
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(table.table(shown, width))
    text = capture.get()
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    lines = [line for line in text.splitlines() if "wake-up p50" in line]
    assert " different " in lines[0]
    assert " ~ " not in lines[0]
    assert any(" ~ " in line and " inconclusive " in line for line in text.splitlines())


def test_the_noise_floor_and_doubts_are_shown_where_they_are_known(shown: Answer) -> None:
    doubted = [replace(row, noise_floor=1.03, warnings=("it drifts",)) for row in shown.rows]
    text = table.markdown(Answer("t", doubted, ()))
    assert "| MDE | A/A |" in text
    assert "| +3.0 % |" in text
    assert "- doubt: fixed-30us, wake-up p50: it drifts" in text
    assert "| A/A |" not in table.markdown(shown)


def test_markdown_is_one_table_with_its_remarks(shown: Answer) -> None:
    lines = table.markdown(shown).splitlines()
    rows = [line for line in lines if line.startswith("| altra")]
    assert len(rows) == len(shown.rows)
    assert {line.replace(r"\|", "").count("|") for line in rows} == {13}
    assert "altra \\| z16" in rows[0]
    assert lines[-1] == f"- {shown.remarks[-1]}"


def test_csv_and_json_hold_every_field(shown: Answer) -> None:
    records = [row.record() for row in shown.rows]
    assert json.loads(json.dumps(records, allow_nan=False))[0]["method"] == "effects"
    read = list(csv.DictReader(io.StringIO(table.comma_separated(records))))
    assert len(read) == len(records)
    assert read[0].keys() == records[0].keys()
    assert json.loads(read[0]["first"]) == records[0]["first"]
