from __future__ import annotations

from typing import cast

import pytest
from agent.arch import Architecture
from agent.clock import classify


class Host:
    """What of an architecture the class of its clock is seen by."""

    def __init__(self, clock: str) -> None:
        self._clock = clock

    def clock_class(self) -> tuple[str, str]:
        return self._clock, "seen so"


@pytest.mark.parametrize(
    ("clock", "turn_ns", "expected"),
    [
        ("emulated", [2.004, 2.006, 2.004, 2.005, 2.004], "icount"),
        ("emulated", [3.0, 3.01, 3.01, 3.0, 3.0], "icount"),
        ("emulated", [2.31, 2.006, 2.004, 2.005, 2.04], "icount"),
        ("emulated", [2.004, 2.006, 2.31, 2.05, 2.04], "emulated"),
        # As measured with wall clock.
        ("emulated", [6.05415275, 1.7428825, 3.96256575, 3.98027, 2.94749725], "emulated"),
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
    host = cast("Architecture", Host(clock))
    assert classify(host, turn_ns)[0] == expected
