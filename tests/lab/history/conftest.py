"""Stores to test on: a folder, fsspec's memory, and S3."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from lab.history.store import Store


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
