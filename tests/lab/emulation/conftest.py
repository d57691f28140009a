"""A cache of its own for every test, and hosts as fleet.toml would give them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.emulation import Host, load_fleet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "kvmlab"


@pytest.fixture
def fleet_of(tmp_path: Path) -> Callable[[str], dict[str, Host]]:
    """Load a fleet from TOML text."""

    def load(text: str) -> dict[str, Host]:
        file = tmp_path / "fleet.toml"
        file.write_text(text)
        return load_fleet(file)

    return load
