"""Tables of wake-up intervals: fixed, exponential, bursty; the same seed gives the same table."""

from __future__ import annotations

import random
from typing import Any


def table(interval: dict[str, Any], count: int, seed: int) -> list[int]:
    """Return `count` intervals in ns, each at least 1."""
    generator = random.Random(seed)  # noqa: S311  (arrivals, not secrets)
    kind = interval["kind"]
    ns = interval["ns"]
    if kind == "fixed":
        return [ns] * count
    if kind == "exponential":
        return [max(1, round(generator.expovariate(1 / ns))) for _ in range(count)]
    if kind == "bursty":
        # A gap before each burst, drawn evenly from half to one and a half of its mean.
        gap = interval["gap_ns"]
        return [
            round(generator.uniform(0.5, 1.5) * gap) if index % interval["burst"] == 0 else ns
            for index in range(count)
        ]
    raise ValueError(f"unknown interval kind {kind!r}")
