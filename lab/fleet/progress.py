"""What a caller is told while hosts work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


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


Event = HostStage | HostProgress
Listener = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """Listen to nothing."""
