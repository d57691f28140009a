"""Ctrl-C and SIGTERM as events to look at, so that nothing is cut off in the middle."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Interrupt:
    """`asked` is set by the first signal (end tidily), `insisted` by the second (end now)."""

    asked: threading.Event = field(default_factory=threading.Event)
    insisted: threading.Event = field(default_factory=threading.Event)


@contextmanager
def listening() -> Iterator[Interrupt]:
    """Turn signals into events for a while; outside the main thread no signal arrives at all."""
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    def note(_number: int, _frame: FrameType | None) -> None:
        (interrupt.insisted if interrupt.asked.is_set() else interrupt.asked).set()

    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
