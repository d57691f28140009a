"""Which class of clock this host has: hardware, nested, emulated or icount."""

from __future__ import annotations

from agent.arch import Architecture

# Interrupts of the host take their instructions too: a few in a thousand at 250 a second.
TICKS = 0.03


def classify(architecture: Architecture, turn_ns: list[float]) -> tuple[str, str]:
    """Return the class and what it was seen by.

    `turn_ns` are measurements of one loop (guest/pace.c). On an emulated host a whole number of
    nanoseconds, the same most times, is a number of instructions: QEMU's -icount shift=0. Another
    program can spoil a few measurements; wall clock under emulation is never as even as the rest.
    """
    clock_class, reason = architecture.clock_class()
    if clock_class == "emulated" and turn_ns:
        most = sorted(turn_ns)[: len(turn_ns) // 2 + 1]
        whole = int(most[0])
        if whole and most[-1] - whole < TICKS:
            return "icount", f"{reason}, and a turn of a loop takes a whole {whole} ns"
    return clock_class, reason
