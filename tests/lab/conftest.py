"""Synthetic runs to read: one for all tests, and a copy for those that break things."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest
from hypothesis import settings

from lab.store.layout import Document
from lab.store.read import Run, read_run
from tests import synthetic, synthetic_fleet

BUCKET = "nights"

# How long an example takes says nothing about the code on a machine that is busy.
settings.register_profile("kvmlab", deadline=None)
settings.load_profile("kvmlab")


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Store with one whole run; not to be changed."""
    folder = tmp_path_factory.mktemp("results")
    synthetic.write_run(folder, workloads=(*synthetic.WORKLOADS, synthetic.EXIT), blocks=6)
    return folder


@pytest.fixture(scope="session")
def run(store: Path) -> Run:
    return read_run("20260101-000000-synthetic", store)


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Store with two runs of five hosts of four architectures, a night apart."""
    folder = tmp_path_factory.mktemp("fleet")
    for night, seed in (("20260102", 1), ("20260103", 2)):
        synthetic_fleet.write_fleet(folder, f"{night}-000000-synthetic", seed=seed)
    return folder


@pytest.fixture(scope="session")
def phased(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run without knobs, with the probes of phases and functions and an arm without any."""
    folder = synthetic.write_run(
        tmp_path_factory.mktemp("phased"),
        settings=[{}],
        reference={},
        workloads=(synthetic.EXIT, synthetic.HYPERCALL, synthetic.FPU, synthetic.FIXED_150US),
        blocks=6,
        probes=("phases", "functions"),
        overhead=True,
    )
    return read_run(folder)


@pytest.fixture
def phased_row(phased: Run) -> Document:
    """Trial of hypercalls with its phases, to be changed."""
    return deepcopy(row_of(phased, "hypercall"))


def row_of(run: Run, workload: str) -> Document:
    return next(
        row
        for row in run.rows["synthetic"]
        if row["workload"]["name"] == workload and row["probes"] and not row["warmup"]
    )


@pytest.fixture
def spoilt(store: Path, tmp_path: Path) -> Path:
    """Folder of a copy of the run, to be spoilt."""
    (source,) = store.glob("2*")
    return Path(shutil.copytree(source, tmp_path / source.name))


@pytest.fixture
def row(run: Run) -> Document:
    """Trial that polled: exponential arrivals at the reference."""
    return next(
        row
        for row in run.rows["synthetic"]
        if row["workload"]["name"] == "exponential-100us"
        and row["setting"] == synthetic.REFERENCE
        and not row["warmup"]
    )


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """Endpoint of a server on loopback that speaks S3 and lives as long as the tests."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415  (slow to import, wanted here only)

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()


@pytest.fixture
def s3_url(s3: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of a place of the test's own on the server, reached as AWS's variables say."""
    settings = {
        "AWS_ENDPOINT_URL": s3,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    fsspec.filesystem("s3").mkdirs(BUCKET, exist_ok=True)
    return f"s3://{BUCKET}/{uuid4().hex}"
