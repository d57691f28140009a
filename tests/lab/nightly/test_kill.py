"""A night that is killed at any moment and called again is the night it would have been."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab.paths import ROOT

STEP = 1 if "all" in os.environ.get("KVMLAB_FORCE", "") else 13


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    folder = tmp_path_factory.mktemp("killing")
    command = [sys.executable, "-m", "tests.lab.nightly.killing", str(folder), str(STEP)]
    path = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(ROOT) / "probes")])}
    answer = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **path}, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    return [json.loads(line) for line in answer.stdout.splitlines()]


def test_no_trial_is_lost_or_run_twice_and_no_alert_is_sent_twice(
    told: list[dict[str, object]],
) -> None:
    whole, *cut = told
    assert whole["kind"] == "regression"
    assert whole["twice"] == []
    assert whole["overview"] is True
    assert len(cut) > 15
    unsent = 0
    for night in cut:
        where = f"killed at moment {night['moment']}"
        assert night["killed"] == -signal.SIGKILL, where
        assert night["resumed"] == 0, where
        for fact in (
            "kind",
            "alerts",
            "runs",
            "steps",
            "unfinished",
            "nights",
            "trials",
            "twice",
            "pages",
            "overview",
        ):
            assert night[fact] == whole[fact], (where, fact)
        sent = night["sent"]
        assert isinstance(sent, list)
        assert len(sent) <= 1, where
        unsent += not sent
    # Only between an attempt and its record can nobody know whether it arrived.
    assert unsent <= 1 + len(cut) // 20
