"""What a caller is told while hosts work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class HostStage:
    """A host begins a stage; its name is the Ansible task's."""

    host: str
    stage: str


@dataclass(frozen=True)
class HostProgress:
    """The agent of a host answered: trials done, and what it does now."""

    host: str
    done: int
    total: int
    current: str | None


@dataclass(frozen=True)
class HostObserved:
    """The observer of a host gave intervals, as results/FORMAT.md describes them."""

    host: str
    intervals: list[dict[str, Any]]


Event = HostStage | HostProgress | HostObserved
Listener = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """Listen to nothing."""
