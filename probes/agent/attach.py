"""Attach a program's functions to tracepoints, each the cheapest way this host takes."""

from __future__ import annotations

import fcntl
from typing import Any, Callable

from agent import arch
from agent.errors import UnsupportedError
from agent.tracepoint import Event

RAW = "raw tracepoint"
TRACEPOINT = "tracepoint"

# include/uapi/linux/perf_event.h: _IO('$', 1)
PERF_EVENT_IOC_DISABLE = 0x2401


class Attachment:
    """The events a program is attached to, and how.

    A raw tracepoint skips the building of the event's record, so it serves where no field is read.
    """

    def __init__(self, program: Any, events: list[Event]) -> None:  # noqa: ANN401  (bcc)
        self._program = program
        self._events = events
        self._undo: list[Callable[[], None]] = []
        # Kind by event; found at the first attaching and kept.
        self.kinds: dict[str, str] = {}

    def attach(self) -> None:
        """Attach everything; UnsupportedError when an event takes no kind."""
        for event in self._events:
            # A single system call has no raw tracepoint of its own.
            plain = event.fields or event.name.startswith("syscalls:")
            kinds = [TRACEPOINT] if plain else [RAW, TRACEPOINT]
            known = self.kinds.get(event.name)
            self.kinds[event.name] = self._try(event, [known] if known else kinds)

    def detach(self) -> None:
        while self._undo:
            self._undo.pop()()

    def _try(self, event: Event, kinds: list[str]) -> str:
        """Attach by the first of `kinds` that this host takes, and return it."""
        kind, *others = kinds
        try:
            self._attach(event, kind)
        except Exception as error:
            # bcc raises nothing narrower; it remembers a function together with how it was loaded.
            self._program.funcs.pop(event.function.encode(), None)
            if others:
                return self._try(event, others)
            raise UnsupportedError(f"{event.name} cannot be attached here: {error}") from error
        return kind

    def _attach(self, event: Event, kind: str) -> None:
        function = event.function.encode()
        if kind == RAW:
            name = event.name.partition(":")[2].encode()
            self._program.attach_raw_tracepoint(tp=name, fn_name=function)
            self._undo.append(lambda: self._program.detach_raw_tracepoint(tp=name))
        else:
            name = event.name.encode()
            self._program.attach_tracepoint(tp=name, fn_name=function)
            self._silence(self._program.tracepoint_fds[name])
            self._undo.append(lambda: self._program.detach_tracepoint(tp=name))

    def _silence(self, descriptor: int) -> None:
        """Disable the perf event that bcc hung the program on: the program runs all the same.

        Enabled, each hit on the event's CPU would also be recorded, into no buffer.
        """
        architecture = arch.of()
        none = architecture.IOC_NONE if architecture else 0
        fcntl.ioctl(descriptor, none | PERF_EVENT_IOC_DISABLE)
