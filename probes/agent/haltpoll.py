"""The outcome of every halt (bpf/halt.h), for the level `halts` and up."""

from __future__ import annotations

import ctypes
from typing import Any

from agent.tracepoint import Event

EVENTS = (
    Event("kvm:kvm_vcpu_wakeup", "on_wakeup", ("ns", "waited", "valid")),
    Event("kvm:kvm_halt_poll_ns", "on_window", ("grow", "new", "old")),
)
OUTCOMES = ("hit", "late_hit", "miss_poll", "miss_wait", "no_poll", "instant")

# 4096 pages of 4 KiB hold 300,000 halts between two readings.
STREAM_PAGES = 4096

EVENT_HALT = 0

# Thread, instant, and what the event says.
_Row = tuple[Any, ...]


class _Event(ctypes.Structure):
    _fields_ = [
        ("at", ctypes.c_uint64),
        ("ns", ctypes.c_uint64),
        ("thread", ctypes.c_uint32),
        ("window", ctypes.c_uint32),
        ("old", ctypes.c_uint32),
        ("kind", ctypes.c_uint8),
        ("flag", ctypes.c_uint8),
        ("valid", ctypes.c_uint8),
        ("unused", ctypes.c_uint8),
    ]


class Stream:
    """Halts and changes of the window one by one, from the ring buffer."""

    def __init__(self, program: Any) -> None:  # noqa: ANN401  (bcc)
        self._program = program
        self._halts: list[_Row] = []
        self._windows: list[_Row] = []
        program[b"stream"].open_ring_buffer(self._receive)

    def _receive(self, _context: Any, data: Any, _size: int) -> None:  # noqa: ANN401
        event = ctypes.cast(data, ctypes.POINTER(_Event)).contents
        if event.kind == EVENT_HALT:
            self._halts.append(
                (event.thread, event.at, event.ns, event.flag, event.valid, event.window)
            )
        else:
            self._windows.append((event.thread, event.at, event.flag, event.window, event.old))

    def drain(self) -> None:
        self._program.ring_buffer_consume()

    def clear(self) -> None:
        self.drain()
        self._halts.clear()
        self._windows.clear()

    def columns(self, threads: dict[int, int | None]) -> dict[str, Any]:
        """Return `origin`, `stream` and `windows` of the threads with these serial numbers.

        `threads` maps a serial number to what the column `thread` calls it.
        """
        halts = _known(self._halts, threads)
        windows = _known(self._windows, threads)
        origin = min((at for _, at, *_ in halts + windows), default=0)
        return {
            "origin": origin,
            "stream": _columns(("thread", "end", "ns", "waited", "valid", "window"), halts, origin),
            "windows": _columns(("thread", "at", "grow", "new", "old"), windows, origin),
        }


def section(counted: dict[str, dict[int, tuple[int, int]]]) -> dict[str, Any]:
    """Return what became of the halts, as results/FORMAT.md describes it.

    `counted` has count and sum in ns of each bucket, by outcome.
    """
    counts = {name: sum(count for count, _ in counted[name].values()) for name in OUTCOMES}
    outcomes = {
        "hit": counts["hit"],
        "late_hit": counts["late_hit"],
        "miss": counts["miss_wait"],
        "no_poll": counts["no_poll"],
        "instant": counts["instant"],
    }
    return {
        "halts": sum(outcomes.values()),
        "outcomes": outcomes,
        "sums_ns": {name: sum(ns for _, ns in counted[name].values()) for name in OUTCOMES},
        "histograms": {
            name: [(bucket, count) for bucket, (count, _) in sorted(counted[name].items())]
            for name in OUTCOMES
        },
    }


def _known(events: list[_Row], threads: dict[int, int | None]) -> list[_Row]:
    return [(threads[serial], *rest) for serial, *rest in events if serial in threads]


def _columns(names: tuple[str, ...], events: list[_Row], origin: int) -> dict[str, list[int]]:
    """Turn event tuples (thread, instant, …) into columns, instants relative to `origin`."""
    columns: dict[str, list[int]] = {
        name: list(column) for name, column in zip(names, zip(*events))
    } or {name: [] for name in names}
    columns[names[1]] = [instant - origin for instant in columns[names[1]]]
    return columns
