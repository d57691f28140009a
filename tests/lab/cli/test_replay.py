"""The commands that replay, on a recorded run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lab.errors import Exit
from lab.paths import RESULTS

KVMLAB = Path(sys.executable).with_name("kvmlab")
RUN = "20261123-032244-halt_poll_brief"


def kvmlab(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [KVMLAB, "--results", RESULTS / "recorded", *words],
        capture_output=True,
        text=True,
        check=False,
    )


def test_simulate_tabulates_the_front_and_draws(tmp_path: Path) -> None:
    page = tmp_path / "surface.html"
    answer = kvmlab("simulate", RUN, "--grid", "halt_poll_ns=0,50us,200us", "--html", page)
    assert answer.returncode == Exit.OK, answer.stderr
    assert "local (nested clock): fixed-30us" in answer.stdout
    assert "closed loop: the guest waits for its own work" in answer.stdout
    assert max(map(len, answer.stdout.splitlines())) <= 80
    assert "latency against CPU" in page.read_text()


def test_simulate_has_every_setting_as_json() -> None:
    answer = kvmlab("simulate", RUN, "--grid", "halt_poll_ns=0,50us,200us shrink=0,2", "--json")
    surfaces = json.loads(answer.stdout)
    assert {len(each["points"]) for each in surfaces} == {6}
    metrics = surfaces[0]["points"][0]["metrics"]
    assert metrics["wakeup_p50_ns"]["low"] <= metrics["wakeup_p50_ns"]["value"]


def test_tune_recommends_for_each_workload_and_for_the_host() -> None:
    words = ("--grid", "halt_poll_ns=0,50us,200us", "--budget-cpu", "20%", "--json")
    answer = kvmlab("tune", RUN, *words)
    assert answer.returncode == Exit.OK, answer.stderr
    assert [each["for"] for each in json.loads(answer.stdout)][-1] == "local: all workloads"


def test_tune_ends_inconclusive_where_no_setting_will_do() -> None:
    answer = kvmlab("tune", RUN, "--grid", "halt_poll_ns=0,50us", "--target-p99", "1us")
    assert answer.returncode == Exit.INCONCLUSIVE
    assert "none of the grid" in answer.stdout


def test_what_if_asks_the_whole_store() -> None:
    answer = kvmlab("what-if", "shrink=0", "shrink=2", "--json")
    assert answer.returncode == Exit.OK, answer.stderr
    effects = json.loads(answer.stdout)
    assert {"x86_64", "aarch64"} <= {each["architecture"] for each in effects}
    assert all(each["after"]["shrink"] == 2 for each in effects)


def test_validate_compares_and_draws(tmp_path: Path) -> None:
    page = tmp_path / "validation.html"
    answer = kvmlab("validate", RUN, "--html", page)
    assert answer.returncode == Exit.OK, answer.stderr
    assert "160 of 160 vCPUs have the replayed windows and events one for one" in answer.stdout
    assert "Prediction meets measurement" in page.read_text()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["simulate", RUN], "--grid"),
        (["simulate", RUN, "--grid", "speed=1"], "no knob 'speed'"),
        (["simulate", RUN, "--grid", "shrink=2", "--algorithm", "x"], "no algorithm 'x'"),
        (["simulate", RUN, "--grid", "shrink=2", "--executor", "x"], "no executor 'x'"),
        (["simulate", "never", "--grid", "shrink=2"], "no run 'never'"),
        (["tune", RUN], "say what to tune for"),
        (["what-if", "shrink=0", "shrink"], "'shrink' is no part of a grid"),
    ],
)
def test_bad_usage_gets_one_sentence_and_exit_2(words: list[str], sentence: str) -> None:
    answer = kvmlab(*words)
    assert answer.returncode == Exit.USAGE
    assert sentence in answer.stderr
    assert "Traceback" not in answer.stderr
