"""One seam for heavy work: processes, or a Dask cluster with a real scheduler and workers."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

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
    common = {"cwd": ROOT, "stderr": subprocess.PIPE, "text": True}
    serve = [BIN / "dask", "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    with subprocess.Popen([*serve, "--no-show"], **common) as head:
        assert head.stderr
        address = next(
            found[0] for line in head.stderr if (found := re.search(r"tcp://127\S+:\d+", line))
        )
        work = [BIN / "dask", "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        workers = [
            subprocess.Popen([*work, "--local-directory", folder / str(number)], cwd=ROOT,
                stderr=subprocess.DEVNULL)
            for number in range(2)
        ]  # fmt: skip
        yield address.replace("tcp://", "dask://")
        for process in (*workers, head):
            process.terminate()
        for process in workers:
            process.wait()


def test_a_dask_cluster_says_what_this_process_says(
    scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = compare(TABLE, "k=1", metrics=[CPU])
    monkeypatch.setattr(evidence, "CHUNK", 10)
    with open_executor(scheduler) as pool:
        assert compare(TABLE, "k=1", metrics=[CPU], executor=pool) == here


def test_processes_say_what_this_process_says(monkeypatch: pytest.MonkeyPatch) -> None:
    here = compare(TABLE, "k=1", metrics=[CPU])
    monkeypatch.setattr(evidence, "CHUNK", 30)
    with open_executor() as pool:
        assert compare(TABLE, "k=1", metrics=[CPU], executor=pool) == here


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
