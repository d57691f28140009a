"""The service of the night: systemd takes its units, and they may do no more than they must."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lab.paths import PLAYBOOKS, ROOT

BIN = Path(sys.executable).parent
UNITS = ("kvmlab-nightly@.service", "kvmlab-nightly@.timer", "kvmlab-nightly-resume@.service")


@pytest.fixture
def analyze() -> str:
    found = shutil.which("systemd-analyze")
    if not found:
        pytest.skip("systemd-analyze is not installed")
    return found


def installed(folder: Path, **variables: object) -> tuple[Path, str]:
    """Play the playbook into a folder; return where the units are, and what it said."""
    units = folder / "units"
    units.mkdir(exist_ok=True)
    (folder / "emulated.toml").write_text('store = "s3://nights/lab"\nexperiments = ["phases"]\n')
    given = {
        "nightly_config": str(folder / "emulated.toml"),
        "nightly_etc": str(folder / "etc"),
        "nightly_units": str(units),
        "nightly_enabled": False,
        # What the service runs must be there, or systemd says so.
        "nightly_command": str(BIN / "kvmlab"),
        **variables,
    }
    answer = subprocess.run(
        [BIN / "ansible-playbook", "nightly.yml", "--extra-vars", json.dumps(given)],
        cwd=PLAYBOOKS,
        env={**os.environ, "ANSIBLE_HOME": str(folder / "ansible"), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return units, answer.stdout


def exposure(analyze: str, unit: Path) -> float:
    said = subprocess.run(
        [analyze, "security", "--offline=true", "--no-pager", unit],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    level = re.search(r"exposure level for \S+: ([\d.]+)", said)
    assert level, said
    return float(level[1])


@pytest.mark.needs("root")
@pytest.mark.parametrize("here", [False, True])
def test_systemd_takes_the_units(tmp_path: Path, analyze: str, *, here: bool) -> None:
    units, said = installed(
        tmp_path,
        nightly_measures_here=here,
        nightly_writable=["/srv/nights"],
        nightly_credentials={"mail": "/etc/kvmlab/mail.secret"},
        nightly_on_failure="mail-root@%n.service",
    )
    assert "changed=3" in said
    assert {path.name for path in units.iterdir()} == set(UNITS)
    instances = [units / name.replace("@", "@emulated") for name in UNITS]
    answer = subprocess.run(
        [analyze, "verify", "--man=no", "--recursive-errors=no", *instances],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
    service = (units / UNITS[0]).read_text()
    assert "LoadCredential=mail:/etc/kvmlab/mail.secret" in service
    assert "Persistent=true" in (units / UNITS[1]).read_text()
    # Nothing is left to do the second time.
    assert (
        "changed=0"
        in installed(
            tmp_path,
            nightly_measures_here=here,
            nightly_writable=["/srv/nights"],
            nightly_credentials={"mail": "/etc/kvmlab/mail.secret"},
            nightly_on_failure="mail-root@%n.service",
        )[1]
    )


@pytest.mark.needs("root")
def test_a_service_that_drives_other_hosts_may_do_little_here(tmp_path: Path, analyze: str) -> None:
    units, _ = installed(tmp_path)
    assert exposure(analyze, units / UNITS[0]) < 2.5


def test_the_workflow_for_ci_calls_commands_that_there_are() -> None:
    workflow = yaml.safe_load((ROOT / "lab" / "nightly" / "workflow.example.yml").read_text())
    steps = workflow["jobs"]["night"]["steps"]
    commands = "\n".join(step.get("run", "") for step in steps)
    # The key `on` is YAML 1.1's true.
    assert workflow[True]["schedule"]
    assert "kvmlab nightly" in commands
    for verb in re.findall(r"kvmlab (?:--\S+ \S+ )?(\w+)", commands):
        told = subprocess.run(
            [BIN / "kvmlab", verb, "--help"], capture_output=True, text=True, check=False
        )
        assert told.returncode == 0, told.stderr
