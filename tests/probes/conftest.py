"""What tests of the probes share."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab.paths import PROBES
from tests.probes.agent_host import Host


@pytest.fixture(scope="session")
def vmm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guest")
    subprocess.run(["make", "-s", "-C", str(PROBES / "guest"), f"OUT={folder}"], check=True)
    return folder / "kvmlab-guest"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def host(tmp_path: Path, home: Path) -> Host:
    return Host(tmp_path, home)
