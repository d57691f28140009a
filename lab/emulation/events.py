"""What `build` and `up` tell while they work, host by host."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.errors import LabError


class Stage(StrEnum):
    """Steps from nothing to a usable host, in order."""

    ROOTFS = "root file system"
    KERNEL = "kernel"
    IMAGE = "image"
    START = "start"
    BOOT = "boot"
    RESUME = "resume"
    KVM = "kvm"
    SNAPSHOT = "snapshot"


@dataclass(frozen=True, slots=True)
class Started:
    host: str
    stage: Stage


@dataclass(frozen=True, slots=True)
class Finished:
    host: str
    stage: Stage
    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    host: str
    error: LabError


@dataclass(frozen=True, slots=True)
class Retried:
    """A quicker way failed with `error`, and the sure one is taken."""

    host: str
    error: LabError


Event = Started | Finished | Failed | Retried
Listener = Callable[[Event], None]


def nobody(event: Event) -> None:
    """Listen to nothing."""
    del event


@dataclass(slots=True)
class Reporter:
    """Tells a listener of one host's stages, and keeps their times."""

    host: str
    listener: Listener
    seconds: dict[Stage, float]

    def retry(self, error: LabError) -> None:
        self.listener(Retried(self.host, error))

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        self.listener(Started(self.host, stage))
        begun = time.monotonic()
        yield
        self.seconds[stage] = time.monotonic() - begun
        self.listener(Finished(self.host, stage, self.seconds[stage]))
