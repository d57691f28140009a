from __future__ import annotations

import pytest
from agent.arch import Architecture, Finding, Function
from agent.clock import classify


class Host:
    IOC_NONE = 0
    FUNCTIONS: tuple[Function, ...] = ()
    FPU_TRACEPOINT: tuple[str, tuple[str, ...]] | None = None

    def __init__(self, clock: str) -> None:
        self._clock = clock

    def flavour(self) -> str | None:
        return None

    def hypervisor(self) -> str | None:
        return None

    def clock_class(self) -> tuple[str, str]:
        return self._clock, "seen so"

    def inert(self, knob: str) -> Finding | None:  # noqa: ARG002
        return None

    def cautions(self, knob: str) -> list[Finding]:  # noqa: ARG002
        return []

    def microcode(self) -> str | None:
        return None


@pytest.mark.parametrize(
    ("clock", "turn_ns", "expected"),
    [
        ("emulated", [2.004, 2.006, 2.004, 2.005, 2.004], "icount"),
        ("emulated", [3.0, 3.01, 3.01, 3.0, 3.0], "icount"),
        ("emulated", [2.004, 2.006, 2.31, 2.005, 2.004], "emulated"),
        ("emulated", [1.61, 1.62, 1.61, 1.61, 1.61], "emulated"),
        ("emulated", [0.71, 0.72, 0.71, 0.71, 0.71], "emulated"),
        ("emulated", [], "emulated"),
        ("hardware", [2.0, 2.0, 2.0, 2.0, 2.0], "hardware"),
        ("nested", [2.0, 2.0, 2.0, 2.0, 2.0], "nested"),
    ],
)
def test_whole_nanoseconds_each_time_are_instructions(
    clock: str, turn_ns: list[float], expected: str
) -> None:
    host: Architecture = Host(clock)
    assert classify(host, turn_ns)[0] == expected
