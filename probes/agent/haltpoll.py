"""Probe `haltpoll`: the outcome of every halt of a trial's vCPU threads (bpf/haltpoll.bpf.c)."""

from __future__ import annotations

import ctypes
from typing import Any

from agent import bpf, tracepoint

# Order and names of `enum outcome` in bpf/haltpoll.bpf.c.
OUTCOMES = ("hit", "late_hit", "miss_poll", "miss_wait", "no_poll", "instant")
WAKEUP = ("kvm:kvm_vcpu_wakeup", ("ns", "waited", "valid"))
WINDOW = ("kvm:kvm_halt_poll_ns", ("grow", "new", "old"))

# 4096 pages of 4 KiB hold 300,000 halts between two readings.
STREAM_PAGES = 4096

EVENT_HALT = 0


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


class HaltPoll:
    """Compiled and attached once; `begin` and `end` bracket a trial.

    Raises UnsupportedError when the kernel lacks a tracepoint or a field, or bcc cannot load.
    """

    def __init__(self) -> None:
        flags = [f"-DSTREAM_PAGES={STREAM_PAGES}"]
        flags += tracepoint.flags(*WAKEUP)
        flags += tracepoint.flags(*WINDOW)
        self._bpf = bpf.load(bpf.PROGRAMS / "haltpoll.bpf.c", flags)
        for event, function in ((WAKEUP[0], "on_wakeup"), (WINDOW[0], "on_window")):
            self._bpf.attach_tracepoint(tp=event.encode(), fn_name=function.encode())
        self._attach = {WAKEUP[0]: "tracepoint", WINDOW[0]: "tracepoint"}
        self._halts: list[tuple[int, int, int, int, int, int]] = []
        self._windows: list[tuple[int, int, int, int, int]] = []
        self._bpf[b"stream"].open_ring_buffer(self._receive)

    def _receive(self, _context: Any, data: Any, _size: int) -> None:  # noqa: ANN401
        event = ctypes.cast(data, ctypes.POINTER(_Event)).contents
        if event.kind == EVENT_HALT:
            self._halts.append(
                (event.thread, event.at, event.ns, event.flag, event.valid, event.window)
            )
        else:
            self._windows.append((event.thread, event.at, event.flag, event.window, event.old))

    def begin(self, tgid: int, tids: list[int], ceiling: int) -> None:
        """Watch these vCPU threads of a fresh VM, whose windows are 0 and never above `ceiling`."""
        self._clear()
        table = self._bpf[b"vcpus"]
        for index, tid in enumerate(tids):
            leaf = table.Leaf()
            leaf.index = index
            leaf.ceiling = ceiling
            table[table.Key(tgid << 32 | tid)] = leaf

    def drain(self) -> None:
        """Take what is in the ring buffer; call it now and then during a long trial."""
        self._bpf.ring_buffer_consume()

    def end(self) -> dict[str, Any]:
        """Stop watching; return the probe result as results/FORMAT.md describes it."""
        self._bpf[b"vcpus"].clear()
        self.drain()
        counts = {name: self._total("counts", i) for i, name in enumerate(OUTCOMES)}
        sums = {name: self._total("sums", i) for i, name in enumerate(OUTCOMES)}
        miss = counts["miss_wait"]
        outcomes = {
            "hit": counts["hit"],
            "late_hit": counts["late_hit"],
            "miss": miss,
            "no_poll": counts["no_poll"],
            "instant": counts["instant"],
        }
        instants = [at for _, at, *_ in self._halts] + [at for _, at, *_ in self._windows]
        origin = min(instants, default=0)
        return {
            "halts": sum(outcomes.values()),
            "invalid": self._total("invalid", 0),
            "window_changes": self._total("changes", 0),
            "lost": self._total("lost", 0),
            "outcomes": outcomes,
            "sums_ns": sums,
            "histograms": self._histograms(),
            "origin": origin,
            "stream": _columns(
                ("thread", "end", "ns", "waited", "valid", "window"), self._halts, origin
            ),
            "windows": _columns(("thread", "at", "grow", "new", "old"), self._windows, origin),
            "attach": self._attach,
        }

    def close(self) -> None:
        self._bpf.cleanup()

    def _clear(self) -> None:
        self.drain()
        self._halts.clear()
        self._windows.clear()
        for name in (b"counts", b"sums", b"invalid", b"changes", b"lost", b"histograms"):
            self._bpf[name].clear()

    def _total(self, table: str, index: int) -> int:
        return int(self._bpf[table.encode()].sum(ctypes.c_int(index)).value)

    def _histograms(self) -> dict[str, list[tuple[int, int]]]:
        histograms: dict[str, list[tuple[int, int]]] = {name: [] for name in OUTCOMES}
        table = self._bpf[b"histograms"]
        for key in table.keys():  # noqa: SIM118  (a bcc table)
            histograms[OUTCOMES[key.outcome]].append((key.bucket, int(table.sum(key).value)))
        return {name: sorted(buckets) for name, buckets in histograms.items()}


def _columns(names: tuple[str, ...], events: list[Any], origin: int) -> dict[str, list[int]]:
    """Turn event tuples (thread, instant, …) into columns, instants relative to `origin`."""
    columns: dict[str, list[int]] = {
        name: list(column) for name, column in zip(names, zip(*events))
    } or {name: [] for name in names}
    columns[names[1]] = [instant - origin for instant in columns[names[1]]]
    return columns
