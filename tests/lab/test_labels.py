from __future__ import annotations

import pytest

from lab import labels


def test_a_setting_has_one_label_whatever_the_order_of_its_knobs() -> None:
    assert (
        labels.setting_label({"b": 1, "a": 2})
        == labels.setting_label({"a": 2, "b": 1})
        == "a=2, b=1"
    )
    assert labels.setting_label({}) == "as found"


def test_short_labels_name_what_varies() -> None:
    settings = [{"vm.halt_poll_ns": 0}, {"vm.halt_poll_ns": 20_000}, {"vm.halt_poll_ns": 1_000_000}]
    assert list(labels.short_labels(settings).values()) == ["0", "20 µs", "1 ms"]
    factors = [{"host.halt_poll_ns_grow": 2, "x": 1}, {"host.halt_poll_ns_grow": 4, "x": 1}]
    assert list(labels.short_labels(factors).values()) == ["2", "4"]


def test_labels_stay_whole_where_two_knobs_vary() -> None:
    short = labels.short_labels([{"a": 1, "b": 1}, {"a": 2, "b": 2}])
    assert short == {"a=1, b=1": "a=1, b=1", "a=2, b=2": "a=2, b=2"}


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 ns"), (7.25, "7.25 ns"), (999, "999 ns"), (1000, "1 µs"), (12_345, "12.3 µs"),
     (200_000, "200 µs"), (1_000_000, "1 ms"), (2.5e9, "2.5 s"), (-1500, "-1.5 µs")],
)  # fmt: skip
def test_nanoseconds(value: float, text: str) -> None:
    assert labels.nanoseconds(value) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(None, labels.NONE), (1.0, "0.0 %"), (0.9999, "0.0 %"), (0.62, f"{labels.MINUS}38 %"),
     (1.023, "+2.3 %"), (12.0, f"{labels.TIMES}12"), (0.994, f"{labels.MINUS}0.6 %")],
)  # fmt: skip
def test_change(ratio: float | None, text: str) -> None:
    assert labels.change(ratio) == text


def test_what_changes_lie_between() -> None:
    assert labels.changes(1.021, 1.083) == "+2.1 to +8.3 %"
    assert labels.changes(1.2, 4.0) == f"+20 % to {labels.TIMES}4"
    assert labels.changes(4.0, 12.0) == f"{labels.TIMES}4 to {labels.TIMES}12"
    assert labels.changes(1.021, 1.0211) == "+2.1 %"
    assert labels.percents(0.012, 0.034) == "1.2 to 3.4 %"
    assert labels.percents(0.012, 0.012) == "1.2 %"


def test_quantities_carry_their_unit() -> None:
    assert labels.quantity(0.25, "1") == "25 %"
    assert labels.quantity(3, "events") == "3 events"
    assert labels.quantity(None, "ns") == labels.NONE
