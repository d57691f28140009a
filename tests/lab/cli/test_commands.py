from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.cli import COMMANDS
from lab.errors import Exit
from lab.store.read import read_run
from tests import synthetic

KVMLAB = Path(sys.executable).with_name("kvmlab")


def kvmlab(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [KVMLAB, *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    answer = kvmlab(command, "--help")
    assert answer.returncode == Exit.OK
    assert "Usage: kvmlab" in answer.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run", "nonsense"], "there is no experiment nonsense: shipped are"),
        (["run", "no/such.toml"], "no/such.toml does not exist"),
        (["run", "--resume", "never"], "there is no run never"),
        (["show", "never"], "never"),
        (["compare"], "Missing argument"),
        (["compare", "ach=arm64"], "no key 'ach' in 'ach=arm64': there are run, host, arch"),
        (["recommend", "never"], "never"),
        (["frobnicate"], "No such command"),
        (["plan", "--hosts", "mars"], "mars"),
    ],
)
def test_bad_usage_gets_one_sentence_and_exit_2(words: list[str], sentence: str) -> None:
    answer = kvmlab(*words)
    assert answer.returncode == Exit.USAGE
    assert sentence in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_plan_that_does_not_fit_its_budget_is_refused(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[3] / "lab/experiments/halt_poll.toml"
    path = tmp_path / "long.toml"
    path.write_text(shipped.read_text().replace("blocks = 10", "blocks = 910"))
    answer = kvmlab("plan", path)
    assert answer.returncode == Exit.USAGE
    assert "long.toml: time_budget_s: 1800 s cannot hold 910 blocks" in answer.stderr


def test_schema_is_json_schema() -> None:
    schema = json.loads(kvmlab("schema").stdout)
    assert set(schema["required"]) >= {"analysis", "blocks", "workloads"}
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_completes_commands(shell: str) -> None:
    assert "_KVMLAB_COMPLETE" in kvmlab("completion", shell).stdout


def test_completion_offers_commands_and_runs(tmp_path: Path) -> None:
    answer = kvmlab(_KVMLAB_COMPLETE="bash_complete", COMP_WORDS="kvmlab re", COMP_CWORD="1")
    assert {"report", "restore"} <= {line.partition(",")[2] for line in answer.stdout.splitlines()}
    (tmp_path / "a-run").mkdir()
    (tmp_path / "a-run" / "manifest.json").write_text("{}")
    answer = kvmlab(
        _KVMLAB_COMPLETE="bash_complete",
        COMP_WORDS="kvmlab show a",
        COMP_CWORD="2",
        KVMLAB_RESULTS=str(tmp_path),
    )
    assert "plain,a-run" in answer.stdout


def test_an_empty_store_is_an_empty_list(tmp_path: Path) -> None:
    answer = kvmlab("--results", tmp_path, "list", "--json")
    assert answer.returncode == Exit.OK
    assert json.loads(answer.stdout) == []


def test_data_goes_to_stdout_without_colour_when_it_is_no_terminal(tmp_path: Path) -> None:
    answer = kvmlab("--results", tmp_path, "list")
    assert "\x1b" not in answer.stdout + answer.stderr


@pytest.mark.parametrize(("switches", "status"), [(0, Exit.OK), (50, Exit.INCONCLUSIVE)])
def test_check_ends_with_4_when_a_run_is_not_to_be_trusted(
    tmp_path: Path, switches: int, status: Exit
) -> None:
    folder = synthetic.write_run(tmp_path, workloads=[synthetic.FIXED_150US], blocks=2)
    rows = [dict(row) for row in read_run(folder).rows["synthetic"]]
    for row in rows:
        row["guest"]["switches"]["involuntary"] = switches
    synthetic.write_rows(folder, "synthetic", rows)
    answer = kvmlab("--results", tmp_path, "check", folder.name)
    assert answer.returncode == status
    assert ("do not trust" in answer.stdout) is (status is Exit.INCONCLUSIVE)
    said = json.loads(kvmlab("--results", tmp_path, "check", folder.name, "--json").stdout)
    checked = {each["kind"]: each["grade"] for each in said["hosts"]["synthetic"]["checked"]}
    assert checked["preemption"] == ("do not trust" if switches else "fine")
    assert checked["overhead"] == "doubt"
