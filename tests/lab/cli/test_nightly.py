"""`kvmlab nightly` and `kvmlab breaks` as they are called: sentences, tables, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.errors import Exit
from lab.history.store import Store
from tests.lab.cli.test_commands import kvmlab
from tests.lab.history import nights

GOOD = 'store = "store"\nexperiments = ["halt_poll"]\n'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('store = "store"\n', "night.toml: experiments: missing; add it"),
        (GOOD + "wobble = 1\n", "night.toml: wobble: no such key; remove it or mend its spelling"),
        (
            GOOD + 'metrics = ["speed"]\n',
            "metrics: speed is no metric; there are round_trip_p50_ns",
        ),
        (GOOD + "[judge]\nwindow = 12\n", "judge.window: 12 nights cannot hold two baselines"),
        (GOOD + "[confirm]\nblocks = 1\n", "night.toml: confirm.blocks: "),
        (GOOD.replace("halt_poll", "none"), "there is no experiment none: shipped are"),
        (GOOD.replace("halt_poll", "q.toml"), "q.toml does not exist"),
        (GOOD.replace('"halt_poll"', '"a.toml", "x/a.toml"'), "experiments: a is there twice"),
        (GOOD.replace('"store"', '"nosuch://x"'), "nosuch://x is no store the lab can open"),
        ("store = \n", "night.toml is not TOML"),
    ],
)
def test_a_configuration_that_is_wrong_is_one_sentence(
    tmp_path: Path, text: str, sentence: str
) -> None:
    (tmp_path / "night.toml").write_text(text)
    answer = kvmlab("nightly", tmp_path / "night.toml", XDG_STATE_HOME=str(tmp_path))
    assert answer.returncode == Exit.USAGE
    assert sentence in answer.stderr
    assert "Traceback" not in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_a_night_without_usable_hosts_is_told_and_kept(tmp_path: Path) -> None:
    (tmp_path / "night.toml").write_text(
        GOOD + 'inventory = "hosts.yml"\n[[alerts.sinks]]\nkind = "json"\npath = "alerts.json"\n'
    )
    (tmp_path / "hosts.yml").write_text("all:\n  hosts: {}\n")
    words = ["nightly", str(tmp_path / "night.toml"), "--night", "2026-01-02", "--json"]
    answer = kvmlab("--results", tmp_path / "results", *words, XDG_STATE_HOME=str(tmp_path))
    assert answer.returncode == Exit.FAILURE, answer.stderr
    verdict = json.loads(answer.stdout)
    assert verdict["kind"] == "failed"
    assert verdict["sentence"].startswith("2026-01-02: not all could be done: inventory ")
    assert "has no hosts" in (tmp_path / "alerts.json").read_text()
    assert list((tmp_path / "store" / "nights" / "night").glob("*.json"))


def test_breaks_are_listed_added_and_removed(tmp_path: Path) -> None:
    url = str(tmp_path / "store")
    missing = kvmlab("breaks", "list", "--store", url)
    assert missing.returncode == Exit.USAGE
    assert "there is no store at" in missing.stderr
    store = Store.make(url, "synthetic", tmp_path / "cache")
    nights.add(store, tmp_path, 0)
    nights.add(store, tmp_path, 1, lambda facts: facts.update(kernel="6.19.0-synthetic"))
    at = ["--store", url]
    made = kvmlab(
        "breaks", "add", *at, "--since", nights.name(1), "--host", "synthetic", "--reason", "a fan"
    )
    assert made.returncode == Exit.OK, made.stderr
    listed = json.loads(kvmlab("breaks", "list", *at, "--json").stdout)
    assert [(each["what"], each["restarts"]) for each in listed] == [
        ("kernel", False), ("by hand", True),
    ]  # fmt: skip
    table = kvmlab("breaks", "list", COLUMNS="160", KVMLAB_STORE=url).stdout
    assert "kernel: 6.18.0-synthetic #1 → 6.19.0-synthetic #1" in table
    assert "a fan" in table
    gone = kvmlab("breaks", "remove", *at, made.stdout.strip(), "--reason", "no fan")
    assert gone.returncode == Exit.OK
    assert "removed: a fan" in gone.stderr
    again = kvmlab("breaks", "remove", *at, made.stdout.strip(), "--reason", "no fan")
    assert again.returncode == Exit.USAGE
    assert "there is no break" in again.stderr
