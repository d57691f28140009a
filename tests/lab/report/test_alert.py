"""The page of an alert: what it says, and drawn in a real browser."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from lab import alerts
from lab.alerts import Alert, Book, Point
from lab.history.store import Store
from lab.report.alert import render, trend
from tests.alerts import NEW_KERNEL, SINCE, Night, change
from tests.lab.report.visit import IN_EVERY_WINDOW, Visit


@pytest.fixture
def alert(tmp_path: Path) -> Alert:
    store = Store.make(str(tmp_path / "store"), "synthetic")
    found = [change(), change(setting="<b>x</b>=1"), change(0.8, metric="poll_hit_rate")]
    alerts.update(store, SINCE, found, Night({SINCE: NEW_KERNEL}))
    return Book.read(store)["A1"]


def test_nights_before_and_since_are_told_apart_and_keep_their_intervals() -> None:
    before, after, old, new = trend(change()).data
    assert (len(old.x), len(new.x), old.marker.symbol, new.marker.symbol) == (
        20,
        2,
        "circle",
        "diamond",
    )
    assert (max(old.x), min(new.x)) == ("2026-03-09", SINCE)
    assert (before.y[0], after.y[0]) == (10_000, pytest.approx(11_200))
    assert old.error_y.array[0] == pytest.approx(old.y[0] * 0.01)


def test_a_night_without_an_interval_is_a_point() -> None:
    few = replace(change(), trend=(Point("2026-03-09", 1.0, None, None),))
    *_, old, _new = trend(few).data
    assert old.error_y.array == (0,)


def test_the_page_says_what_changed_and_escapes_names(alert: Alert) -> None:
    page = render(alert)
    assert "git log v6.1.106..v6.1.112" in page
    assert "<code>kvmlab alerts reproduce A1</code>" in page
    assert "git bisect run ../A1/bisect.sh" in page
    assert "&lt;b&gt;x&lt;/b&gt;=1" in page
    assert "<b>x</b>" not in page.replace("\\u003cb>", "")


def test_a_night_in_trouble_needs_no_picture(tmp_path: Path) -> None:
    store = Store.make(str(tmp_path), "synthetic")
    alerts.trouble(store, SINCE, "no host answered")
    page = render(Book.read(store)["A1"])
    assert "no host answered" in page
    assert "Plotly" not in page


@pytest.mark.needs("browser")
@IN_EVERY_WINDOW
def test_it_is_drawn_without_errors_or_overflow(
    browser: Browser, alert: Alert, tmp_path: Path, scheme: str, width: int
) -> None:
    path = tmp_path / "alert.html"
    path.write_text(render(alert))
    visit = Visit(browser, path.as_uri(), scheme, width)
    assert visit.number(".scatterlayer .point") == sum(len(each.trend) for each in alert.changes)
    visit.assert_sound()
    visit.page.close()
