from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from lab.errors import UsageError
from lab.selector import chosen, find_runs, narrowed, parse

TRIALS = pd.DataFrame(
    {
        "run": ["r", "r", "s", "s"],
        "host": ["xeon", "altra", "xeon", "z16"],
        "architecture": ["x86_64", "aarch64", "x86_64", "s390x"],
        "kernel": ["6.1.0-9", "6.18.2", "6.18.2", "6.18.2"],
        "clock_class": "hardware",
        "workload": ["fixed-30us", "fixed-1ms", "fixed-30us", "exit"],
        "metric": "wakeup_p50_ns",
        "setting": ["vm.k=0", "host.j=2, vm.k=1", "vm.k=1", "vm.k=0"],
        "vm.k": pd.array([0, 1, 1, 0], "Int64"),
        "host.j": pd.array([None, 2, None, None], "Int64"),
    }
)


def test_a_key_given_once_narrows_and_twice_compares() -> None:
    found = parse(["arch=arm64", "setting.halt_poll_ns=0", "setting.halt_poll_ns=20,50"])
    assert found.narrow == {"arch": ("arm64",)}
    assert found.compared == "setting.halt_poll_ns"
    assert found.sides == (("0",), ("20", "50"))


def test_a_word_is_a_run() -> None:
    assert parse(["monday"]).narrow == {"run": ("monday",)}
    assert parse(["monday"]).names_runs_only
    assert not parse(["monday", "host=a"]).names_runs_only
    assert parse(["monday", "tuesday"]).sides == (("monday",), ("tuesday",))


def test_a_settings_label_keeps_its_commas() -> None:
    assert parse(["setting=vm.a=1, vm.b=2"]).narrow == {"setting": ("vm.a=1, vm.b=2",)}


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        (["ach=arm64"], "no key 'ach' in 'ach=arm64': there are run, host, arch, kernel, clock"),
        (["setting.=0"], "no key 'setting.'"),
        (["arch="], "'arch=' has no value: say arch=VALUE"),
        (["host=a", "host=b", "arch=x", "arch=y"], "host and arch are given twice each"),
        (["host=a", "host=b", "host=c"], "host= is given 3 times: once narrows"),
    ],
)
def test_a_wrong_term_is_one_sentence(terms: list[str], sentence: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(terms)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("key", "values", "found"),
    [
        ("arch", ("x86",), ["x86_64"]),
        ("arch", ("aarch64", "s390x"), ["aarch64", "s390x"]),
        ("kernel", ("6.1.*",), ["6.1.0-9"]),
        ("host", ("*",), ["xeon", "altra", "z16"]),
        ("workload", ("fixed-*",), ["fixed-30us", "fixed-1ms"]),
        ("setting", ("vm.k=0",), ["vm.k=0"]),
        ("setting.k", ("1",), ["host.j=2, vm.k=1", "vm.k=1"]),
        ("setting.vm.k", ("0",), ["vm.k=0"]),
    ],
)
def test_values_are_found_in_the_table(key: str, values: tuple[str, ...], found: list[str]) -> None:
    assert chosen(TRIALS, key, values) == found


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("arch", "mips", "no trial has arch=mips: there are x86, arm64, s390x"),
        ("kernel", "5.*", r"no trial has kernel=5.*: there are 6.1.0-9, 6.18.2"),
        ("setting.q", "1", "no setting has a knob q: there are vm.k, host.j"),
        ("setting.k", "7", "no trial has setting.k=7: there are 0, 1"),
    ],
)
def test_what_no_trial_has_is_said_with_what_there_is(key: str, value: str, sentence: str) -> None:
    with pytest.raises(UsageError) as error:
        chosen(TRIALS, key, (value,))
    assert sentence in str(error.value)


def test_a_knob_of_two_scopes_has_to_be_named_whole() -> None:
    both = TRIALS.assign(**{"host.k": 1})
    with pytest.raises(UsageError, match=r"setting\.vm\.k or setting\.host\.k"):
        chosen(both, "setting.k", ("1",))


def test_narrowing_keeps_trials_of_any_of_the_values() -> None:
    assert list(narrowed(TRIALS, "host", ("altra", "z*")).index) == [1, 3]
    assert list(narrowed(TRIALS, "setting.k", ("1",)).index) == [1, 2]


def test_runs_are_found_by_name_pattern_and_latest(fleet: Path) -> None:
    first, second = sorted(path for path in fleet.iterdir() if path.name.startswith("2"))
    assert find_runs(parse(["latest"]), fleet) == (parse([second.name]), [second])
    assert find_runs(parse(["run=20260102*"]), fleet)[1] == [first]
    assert find_runs(parse(["host=xeon"]), fleet)[1] == [first, second]
    assert find_runs(parse([first.name, "latest"]), fleet)[0].sides == (
        (first.name,),
        (second.name,),
    )
    with pytest.raises(UsageError, match="no run 'never'"):
        find_runs(parse(["never"]), fleet)
