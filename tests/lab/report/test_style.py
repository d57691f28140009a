from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.labels import MINUS, TIMES
from lab.report.style import keys, ratio_axis, time_axis


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([1_000, 11_000], ["1 µs", "2 µs", "5 µs", "10 µs"]),
        ([1_000, 90_000], ["1 µs", "3 µs", "10 µs", "30 µs", "100 µs"]),
        ([1_000, 2e6], ["1 µs", "10 µs", "100 µs", "1 ms"]),
        ([1_100, 1_150], ["1 µs", "1.1 µs", "1.2 µs"]),
    ],
)
def test_ticks_are_round(values: list[float], labels: list[str]) -> None:
    assert time_axis("t", values)["ticktext"] == labels


@given(st.lists(st.floats(1, 1e10), min_size=1))
def test_an_axis_holds_its_values_and_has_two_ticks_or_more(values: list[float]) -> None:
    axis = time_axis("t", values)
    low, high = (10**end for end in axis["range"])
    assert low < min(values)
    assert max(values) < high
    assert 2 <= len(axis["tickvals"]) <= 12
    assert all(low <= tick * (1 + 1e-9) <= high * (1 + 1e-8) for tick in axis["tickvals"])


def test_every_setting_looks_different_and_the_reference_says_so() -> None:
    looks = keys({f"k={n}": str(n) for n in range(6)}, "k=2")
    assert len({(key.colour, key.symbol, key.dash) for key in looks}) == 6
    assert looks[2].name == "2 (reference)"
    assert looks[3].name == "3"


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ((0.9, 1.1), ["-10 %", "-5.0 %", "0", "+5.0 %", "+10 %"]),
        ((0.1, 1.0), ["-90 %", "-80 %", "-50 %", "0"]),
        ((1.0, 4.0), ["0", "+100 %", "x3"]),
    ],
)
def test_ratios_have_round_changes_for_ticks(values: tuple[float, float], ticks: list[str]) -> None:
    drawn = ratio_axis("change", values)
    plain = [text.replace(MINUS, "-").replace(TIMES, "x") for text in drawn["ticktext"]]
    assert plain == ticks
    low, high = drawn["range"]
    assert 10**low < min(values) <= max(values) < 10**high
