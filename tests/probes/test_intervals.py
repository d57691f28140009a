from __future__ import annotations

import statistics
from typing import Any

import pytest
from agent.intervals import table

BURSTY = {"kind": "bursty", "ns": 20_000, "burst": 8, "gap_ns": 1_000_000}


@pytest.mark.parametrize(
    "interval", [{"kind": "fixed", "ns": 30_000}, {"kind": "exponential", "ns": 100_000}, BURSTY]
)
def test_the_same_seed_gives_the_same_table(interval: dict[str, Any]) -> None:
    assert table(interval, 100, 7) == table(interval, 100, 7)
    assert len(table(interval, 100, 7)) == 100


def test_fixed_is_fixed() -> None:
    assert set(table({"kind": "fixed", "ns": 30_000}, 50, 1)) == {30_000}


def test_exponential_has_its_mean_and_spread() -> None:
    drawn = table({"kind": "exponential", "ns": 100_000}, 20_000, 1)
    assert statistics.mean(drawn) == pytest.approx(100_000, rel=0.03)
    assert statistics.stdev(drawn) == pytest.approx(100_000, rel=0.05)
    assert drawn != table({"kind": "exponential", "ns": 100_000}, 20_000, 2)


def test_bursts_stand_apart() -> None:
    drawn = table(BURSTY, 800, 1)
    gaps, inside = drawn[::8], [ns for i, ns in enumerate(drawn) if i % 8]
    assert set(inside) == {20_000}
    assert all(500_000 <= gap <= 1_500_000 for gap in gaps)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="poisson"):
        table({"kind": "poisson", "ns": 1}, 1, 1)
