from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.stats.location import hodges_lehmann, median_interval

FINITE = st.floats(-1e6, 1e6)


def test_hodges_lehmann_by_hand() -> None:
    # Walsh averages of 1, 2, 6: 1, 1.5, 2, 3.5, 4, 6.
    assert hodges_lehmann(np.array([6.0, 1.0, 2.0])) == 2.75


def test_the_worked_example_of_hollander_and_wolfe() -> None:
    """Table 3.1 of Nonparametric Statistical Methods: depression scale, estimate -0.46."""
    before = np.array([1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30])
    after = np.array([0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29])
    assert hodges_lehmann(after - before) == pytest.approx(-0.46)


def test_a_spoilt_value_moves_it_little() -> None:
    values = np.array([1.0, 1.1, 0.9, 1.05, 0.95, 1.0, 1.02, 50.0])
    assert hodges_lehmann(values) == pytest.approx(1.02, abs=0.03)


@given(st.lists(FINITE, min_size=1, max_size=12), FINITE)
def test_it_moves_with_the_values(values: list[float], shift: float) -> None:
    of = np.array(values)
    moved = hodges_lehmann(of + shift)
    assert moved == pytest.approx(hodges_lehmann(of) + shift, abs=1e-6)
    assert of.min() - 1e-9 <= hodges_lehmann(of) <= of.max() + 1e-9


@pytest.mark.parametrize(
    ("n", "low", "high", "covered"),
    [
        (3, 0, 2, 0.75),
        (5, 0, 4, 0.9375),
        (6, 0, 5, 0.96875),
        (8, 0, 7, 0.9921875),
        (9, 1, 7, 0.9609375),
    ],
)
def test_the_interval_of_a_median_lies_between_order_statistics(
    n: int, low: int, high: int, covered: float
) -> None:
    found = median_interval(np.arange(n, dtype=float)[::-1])
    assert (found.value, found.low, found.high) == ((n - 1) / 2, low, high)
    assert found.coverage == pytest.approx(covered)


def test_two_values_have_no_interval() -> None:
    found = median_interval(np.array([1.0, 3.0]))
    assert (found.value, found.low, found.high, found.coverage) == (2, None, None, None)
