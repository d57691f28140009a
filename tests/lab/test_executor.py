"""One seam for heavy work: processes, or a Dask cluster with a real scheduler and workers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from distributed import Client

from lab.cli import kvmlab
from lab.errors import UsageError
from lab.executor import open_executor
from lab.paths import ROOT
from lab.stats import compare, evidence
from tests.lab.stats.test_compare import CPU, trials

BIN = Path(sys.executable).parent
RNG = np.random.default_rng(20181024)
TABLE = trials({knob: list(np.exp(RNG.normal(0, 0.1, 8))) for knob in range(1, 60)})


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a Dask scheduler on loopback, with two workers, each its own process."""
    folder = tmp_path_factory.mktemp("dask")
    serve: list[str | Path] = [
        BIN / "dask",
        "scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--no-dashboard",
    ]
    file = folder / "scheduler.json"
    quiet: Any = {"cwd": ROOT, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with ExitStack() as stack:
        # Killed, not asked: a worker whose scheduler is gone first may wait for it for ever.
        started = stack.enter_context(subprocess.Popen([*serve, "--scheduler-file", file], **quiet))
        stack.callback(started.kill)
        for number in range(2):
            work: list[str | Path] = [
                BIN / "dask",
                "worker",
                "--scheduler-file",
                file,
                "--nthreads",
                "1",
            ]
            local: list[str | Path] = [
                "--no-nanny",
                "--no-dashboard",
                "--local-directory",
                folder / str(number),
            ]
            started = stack.enter_context(subprocess.Popen([*work, *local], **quiet))
            stack.callback(started.kill)
        end = time.monotonic() + 120
        while not file.exists() or not file.read_text().endswith("}"):
            assert time.monotonic() < end, "no scheduler within two minutes"
            time.sleep(0.1)
        yield json.loads(file.read_text())["address"].replace("tcp://", "dask://")


def test_a_dask_cluster_says_what_this_process_says(
    scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = list(compare(TABLE, "k=1", metrics=[CPU]))
    monkeypatch.setattr(evidence, "CHUNK", 10)
    with open_executor(scheduler) as pool:
        assert list(compare(TABLE, "k=1", metrics=[CPU], executor=pool)) == here


def test_a_command_that_compares_on_a_cluster_prints_what_it_prints_without(
    scheduler: str, store: Path
) -> None:
    asked = ["--results", str(store), "compare", "latest", "--json"]
    here = CliRunner().invoke(kvmlab, asked, catch_exceptions=False)
    address = scheduler.replace("dask://", "tcp://")
    with Client(address) as client:  # type: ignore[no-untyped-call]

        def changes_of_state(dask_scheduler: Any) -> int:
            return int(dask_scheduler.transition_counter)

        before = client.run_on_scheduler(changes_of_state)
        there = CliRunner().invoke(
            kvmlab, [*asked, "--executor", scheduler], catch_exceptions=False
        )
        assert client.run_on_scheduler(changes_of_state) > before
    assert there.exit_code == 0
    assert json.loads(there.stdout) == json.loads(here.stdout)


def test_processes_say_what_this_process_says(monkeypatch: pytest.MonkeyPatch) -> None:
    here = list(compare(TABLE, "k=1", metrics=[CPU]))
    monkeypatch.setattr(evidence, "CHUNK", 30)
    with open_executor() as pool:
        assert list(compare(TABLE, "k=1", metrics=[CPU], executor=pool)) == here


def test_other_addresses_are_usage_errors() -> None:
    with (
        pytest.raises(UsageError, match="no executor 'ray://x': give dask://host:port"),
        open_executor("ray://x"),
    ):
        pass


def test_a_scheduler_that_is_not_there_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.executor.CONNECT_S", 0.5)
    with (
        pytest.raises(UsageError, match="no Dask scheduler answers at dask://127.0.0.1:1"),
        open_executor("dask://127.0.0.1:1"),
    ):
        pass
