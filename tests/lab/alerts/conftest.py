from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import alerts
from lab.alerts import Alert, Book
from lab.history.store import Store
from tests.alerts import SINCE, Night, change
from tests.receiver import Receiver, receiving


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.make(str(tmp_path / "store"), "synthetic")


@pytest.fixture
def confirmed(store: Store) -> Alert:
    """Alert of one series that was found and confirmed."""
    alerts.update(store, SINCE, [change()], Night())
    alerts.confirm(store, "A1", SINCE, stands=True, evidence="+11.8 % on 12 fresh VMs")
    return Book.read(store)["A1"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server
