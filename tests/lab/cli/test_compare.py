from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from click.testing import CliRunner, Result

from lab.cli import kvmlab
from lab.errors import UsageError
from lab.stats.location import LEAST

FIRST, SECOND = "20260102-000000-synthetic", "20260103-000000-synthetic"
NARROW = ("workload=fixed-30us", "metric=wakeup_p50_ns")


def ask(store: Path, *words: str) -> Result:
    found = CliRunner().invoke(kvmlab, ["--results", str(store), *words], catch_exceptions=False)
    assert found.exit_code == 0
    return found


def test_a_run_alone_is_its_overview(store: Path) -> None:
    text = ask(store, "compare", "latest").stdout
    assert "change against vm.halt_poll_ns=200000" in text
    assert "comparisons:" in text


def test_the_overview_of_several_hosts_says_what_differs(fleet: Path) -> None:
    text = " ".join(ask(fleet, "compare", FIRST).stdout.split())
    assert "Between architectures, of " in text
    assert "- halt_poll_ns 200 µs → 0, fixed-30us: median wake-up latency " in text
    assert ", which differs from x86 and arm64, no effect on ppc64 (inert" in text


def test_json_and_csv_of_two_sides_hold_the_same_rows(fleet: Path) -> None:
    terms = ("compare", FIRST, "host=xeon", "host=epyc", *NARROW)
    rows = json.loads(ask(fleet, *terms, "--json").stdout)
    read = list(csv.DictReader(io.StringIO(ask(fleet, *terms, "--csv").stdout)))
    assert [row["setting"] for row in rows] == [row["setting"] for row in read]
    assert {row["method"] for row in rows} == {"effects"}


def test_json_of_a_run_tells_of_each_cell_what_its_table_shows(store: Path) -> None:
    rows = json.loads(ask(store, "compare", "latest", "--json").stdout)
    measured = [row for row in rows if row["n"] >= LEAST]
    assert measured
    for row in measured:
        assert row["median_low"] <= row["median"] <= row["median_high"]
        assert row["reference_low"] <= row["reference_median"] <= row["reference_high"]
        assert 0.7 < row["coverage"] < 1
        assert row["spread"] >= 0
        assert row["reference_spread"] >= 0


def test_csv_of_a_run_holds_its_comparisons(store: Path) -> None:
    rows = json.loads(ask(store, "compare", "latest", "--json").stdout)
    read = list(csv.DictReader(io.StringIO(ask(store, "compare", "latest", "--csv").stdout)))
    assert len(rows) == len(read) > 50
    assert read[0].keys() == rows[0].keys()


def test_markdown_of_two_runs_says_what_is_not_in_the_interval(fleet: Path) -> None:
    text = ask(fleet, "compare", FIRST, SECOND, "host=altra", *NARROW, "--markdown").stdout
    assert text.startswith(f"**run={SECOND} against run={FIRST}**")
    assert "A side is a single run" in text


def test_recommendations_name_one_setting_for_all(fleet: Path) -> None:
    text = " ".join(ask(fleet, "recommend", FIRST, "--weight", "0.8").stdout.split())
    assert "One setting for all: " in text
    assert "nothing to choose, the knob is inert" in text
    (advice,) = json.loads(ask(fleet, "recommend", FIRST, "--json").stdout)
    assert advice["fleet"]["indifferent"].keys() == {"ppc64le"}
    assert advice["hosts"]["p9"]["inert"]


def test_an_executor_that_is_none_is_one_sentence(fleet: Path) -> None:
    words = ["--results", str(fleet), "compare", "latest", "--executor", "threads"]
    found = CliRunner().invoke(kvmlab, words)
    assert isinstance(found.exception, UsageError)
    assert "no executor 'threads'" in str(found.exception)
