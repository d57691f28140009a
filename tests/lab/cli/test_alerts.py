"""`kvmlab alerts` as a person types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab import alerts
from lab.alerts import Book, State
from lab.errors import Exit
from lab.history.store import Store
from tests import synthetic
from tests.alerts import KNOB, NEW_KERNEL, SINCE, Night, change
from tests.monitoring import free_port

KVMLAB = Path(sys.executable).with_name("kvmlab")


@pytest.fixture
def nights(tmp_path: Path) -> Store:
    """Store with one confirmed alert."""
    store = Store.make(str(tmp_path / "nights"), "synthetic")
    alerts.update(store, SINCE, [change()], Night({SINCE: NEW_KERNEL}))
    alerts.confirm(store, "A1", SINCE, stands=True, evidence="1 of 1 series shows it")
    return store


def kvmlab(store: Store, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [KVMLAB, *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "KVMLAB_STORE": store.url, "COLUMNS": "120"},
    )


def test_list_and_show_as_text_and_as_json(nights: Store, tmp_path: Path) -> None:
    table = kvmlab(nights, "alerts", "list").stdout
    assert "A1     confirmed  2026-03-10  synthetic-a" in table
    assert "\x1b" not in table
    (listed,) = json.loads(kvmlab(nights, "alerts", "list", "--json").stdout)
    assert (listed["id"], listed["state"]) == ("A1", "confirmed")
    page = tmp_path / "A1.html"
    shown = kvmlab(nights, "alerts", "show", "A1", "--html", page)
    assert "v6.1.106..v6.1.112" in shown.stdout
    assert "opened by the night of 2026-03-10" in shown.stdout
    assert page.read_text().startswith("<!doctype html>")
    assert json.loads(kvmlab(nights, "alerts", "show", "A1", "--json").stdout)["id"] == "A1"


def test_ack_and_resolve(nights: Store) -> None:
    reason = ("--reason", "bisecting", "--by", "ada")
    answer = kvmlab(nights, "alerts", "ack", "A1", *reason, "--days", "3")
    assert (answer.returncode, answer.stdout) == (Exit.OK, "")
    assert Book.read(nights)["A1"].state is State.ACKNOWLEDGED
    assert kvmlab(nights, "alerts", "resolve", "A1", *reason).returncode == Exit.OK
    assert kvmlab(nights, "alerts", "list").stderr == "no alerts\n"
    assert "A1     resolved" in kvmlab(nights, "alerts", "list", "--all").stdout
    again = kvmlab(nights, "alerts", "resolve", "A1", *reason)
    assert again.returncode == Exit.USAGE
    assert again.stderr == (
        "kvmlab: A1 is resolved (bisecting, by ada): there is nothing left to do\n"
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["show", "A7"], "there is no alert A7: A1"),
        (["ack", "A1"], "Missing option '--reason'"),
        (["ack", "A1", "--reason", "x", "--days", "0"], "Invalid value for '--days'"),
        (["list", "--store", "/nowhere/at/all"], "there is no store at /nowhere/at/all"),
    ],
)
def test_bad_usage_gets_one_sentence(nights: Store, words: list[str], sentence: str) -> None:
    answer = kvmlab(nights, "alerts", *words)
    assert answer.returncode == Exit.USAGE
    assert sentence in answer.stderr
    assert "Traceback" not in answer.stderr


def test_reproduce_writes_what_run_and_judge_take(nights: Store, tmp_path: Path) -> None:
    folder = tmp_path / "A1"
    answer = kvmlab(nights, "alerts", "reproduce", "A1", "--into", folder)
    names = ["cell.toml", "change.json", "bisect.sh", "alert.html"]
    assert answer.stdout.splitlines() == [str(folder / name) for name in names]
    assert "git bisect start v6.1.112 v6.1.106" in answer.stderr
    assert kvmlab(nights, "plan", folder / "cell.toml").returncode == Exit.OK
    run = synthetic.write_run(
        tmp_path,
        settings=[{KNOB: 200_000}],
        workloads=(synthetic.FIXED_150US,),
        blocks=12,
    )
    verdict = kvmlab(nights, "alerts", "judge", folder / "change.json", run)
    # The alert's levels are some 10 µs; what was made up is on one side of them.
    assert verdict.returncode in {Exit.OK, Exit.REGRESSION}
    assert verdict.stdout.startswith("at the ")


def test_send_brings_the_alerts_to_the_sinks_of_a_night(nights: Store, tmp_path: Path) -> None:
    config = tmp_path / "night.toml"
    config.write_text(
        f"""
store = "{nights.url}"
experiments = ["halt_poll"]
[[alerts.sinks]]
kind = "json"
path = "alerts.json"
[[alerts.sinks]]
kind = "alertmanager"
url = "http://127.0.0.1:{free_port()}"
"""
    )
    answer = kvmlab(nights, "alerts", "send", config)
    assert answer.returncode == Exit.FAILURE
    first, second = answer.stderr.splitlines()
    assert first == "json: A1"
    assert second.startswith("alertmanager: Alertmanager at http://127.0.0.1:")
    assert json.loads((tmp_path / "alerts.json").read_text())["alerts"][0]["id"] == "A1"
