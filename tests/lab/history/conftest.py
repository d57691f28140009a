"""Stores to test on: a folder, fsspec's memory, and S3 as a real server on loopback speaks it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest
from moto.server import ThreadedMotoServer

from lab.history.store import Store

BUCKET = "nights"


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """Endpoint of an S3 server that lives as long as the tests."""
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


@pytest.fixture(params=["file", "memory", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    match request.param:
        case "file":
            return str(tmp_path / "store")
        case "memory":
            return f"memory://{uuid4().hex}"
        case _:
            address: str = request.getfixturevalue("s3_url")
            return address


@pytest.fixture
def store(url: str, tmp_path: Path) -> Store:
    """Empty store of measured nights, of each kind of storage."""
    return Store.make(url, cache=tmp_path / "cache")
