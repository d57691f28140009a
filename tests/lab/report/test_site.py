"""The site of a store of made-up nights: what it says, who may read it, and how it looks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser

from lab import alerts
from lab.cli import kvmlab
from lab.errors import StoreError, UsageError
from lab.history.breaks import add
from lab.history.runs import publish
from lab.history.store import Store
from lab.nightly.judge import History
from lab.nightly.model import Criteria
from lab.report.site import PLOTLY, Site, server
from lab.report.site.view import View
from lab.store.read import read_rows
from tests import synthetic
from tests.lab.history import nights
from tests.lab.report.visit import IN_EVERY_WINDOW, Visit

LAST, SLOWER, REMARK = 15, 13, 1
METRICS = ("wakeup_p50_ns", "cpu_ns_per_wakeup")


def facts(number: int) -> Callable[[dict[str, Any]], None]:
    def change(found: dict[str, Any]) -> None:
        found["kernel"] = f"6.12.{0 if number < SLOWER else 1}"
        found["hostname"] = "<b>synthetic</b>"

    return change


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Nights of which the last three are a third slower, with an alert, and a break by hand."""
    folder = tmp_path_factory.mktemp("site")
    store = Store.make(str(folder / "store"), "synthetic", folder / "cache")
    settings = [{synthetic.KNOB: ceiling} for ceiling in (0, 200_000)]
    for number in range(LAST + 1):
        run = nights.write(folder, number, facts(number), settings=settings, blocks=4)
        if number >= SLOWER:
            rows = read_rows(run / "synthetic.jsonl.gz")
            for row in rows:
                row["guest"]["latency_ns"] = [ns * 4 // 3 for ns in row["guest"]["latency_ns"]]
            synthetic.write_rows(run, "synthetic", rows)
        publish(store, run, nights.name(number))
    add(store, nights.name(REMARK), "made up: new cooling <script>", host="synthetic")
    history = History(store, nights.name(LAST), Criteria(METRICS))
    changes = [history.change(key, found) for key, found in history.judge().found]
    alerts.update(store, history.night, changes, history)
    return store


@pytest.fixture(scope="module")
def pages(store: Store) -> dict[str, str]:
    return {name: made() for name, made in Site.of(store).pages.items() if name != PLOTLY}


def test_a_series_is_in_one_class_only_and_none_is_lost(store: Store) -> None:
    view = View(store)
    moved = {each.key for each in view.moved}
    unknown = {key for each in view.unknown for key in each.keys}
    equivalent = set(view.equivalent)
    assert {key.metric for key in moved} >= {"wakeup_p50_ns"}
    assert equivalent
    assert moved | unknown | equivalent == set(view.history.series)
    assert len(moved) + len(unknown) + len(equivalent) == len(view.history.series)
    for key in equivalent:
        assert 1 < (view.judged[key].detectable or 0) <= 1.05


def test_the_overview_says_what_moved_and_links_to_pages_that_are_there(
    pages: dict[str, str],
) -> None:
    overview = pages["index.html"]
    assert re.search(r"<h1>\d+ moved, \d+ equivalent, \d+ unknown</h1>", overview)
    assert "kernel: 6.12.0" in overview
    assert "made up (synthetic)" in overview
    for page in pages.values():
        assert set(re.findall(r'href="([^"#:]+)"', page)) <= pages.keys()


def test_names_and_reasons_are_escaped(pages: dict[str, str]) -> None:
    whole = "".join(pages.values())
    assert "new cooling &lt;script&gt;" in whole
    assert "new cooling <script>" not in whole
    assert "<b>synthetic</b>" not in whole


def test_trends_mark_breaks_and_alerts(pages: dict[str, str]) -> None:
    (trend,) = (page for name, page in pages.items() if name.startswith("trend-"))
    figures = [
        json.loads(each)
        for each in re.findall(r'<script type="application/json">(.*?)</script>', trend)
    ]
    marks = [
        mark
        for each in figures
        for trace in each["data"]
        if trace.get("yaxis") == "y2"
        for mark in trace["customdata"]
    ]
    assert any("new cooling" in each for each in marks)
    assert any(each.startswith("A1 open") for each in marks)
    assert PLOTLY in trend


def test_levels_begin_where_the_series_begins_anew(pages: dict[str, str]) -> None:
    (trend,) = (page for name, page in pages.items() if name.startswith("trend-"))
    figures = re.findall(r'<script type="application/json">(.*?)</script>', trend)
    levels = [
        trace["x"]
        for each in figures
        for trace in json.loads(each)["data"]
        if trace["mode"] == "lines"
    ]
    assert levels[0] == [nights.name(REMARK), nights.name(SLOWER - 1)]
    assert levels[1] == [nights.name(SLOWER), nights.name(LAST)]


def test_plotly_is_there_once_and_the_pages_are_small(store: Store, tmp_path: Path) -> None:
    index = Site.of(store).write(tmp_path / "site")
    files = {path.name: path.stat().st_size for path in index.parent.iterdir()}
    assert files.pop(PLOTLY) > 1_000_000
    assert all(size < 400_000 for size in files.values())


def test_a_store_without_nights_says_so(tmp_path: Path) -> None:
    empty = Store.make(str(tmp_path / "empty"), "synthetic", tmp_path / "cache")
    with pytest.raises(StoreError, match="has no nights yet"):
        Site.of(empty).write(tmp_path / "site")


@pytest.fixture(scope="module")
def port(store: Store) -> Iterator[int]:
    with server(store, 0) as listening:
        thread = Thread(target=listening.serve_forever)
        thread.start()
        yield listening.server_port
        listening.shutdown()
        thread.join()


def ask(port: int, path: str, method: str = "GET", **headers: str) -> HTTPResponse:
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request(method, path, headers=headers)
    return connection.getresponse()


def test_the_server_gives_pages_and_nothing_else(port: int, store: Store) -> None:
    with ask(port, "/") as answer:
        assert answer.status == 200
        assert b"moved" in answer.read()
        assert "default-src 'none'" in str(answer.headers["Content-Security-Policy"])
    for path in (
        "/store.json",
        "/../store.json",
        "/%2e%2e/store.json",
        "/..%2f..%2fetc/passwd",
        "//etc/passwd",
        f"/{store.root}/store.json",
        "/runs/",
    ):
        with ask(port, path) as answer:
            assert (path, answer.status) == (path, 404)
            assert answer.read() == b"there is no such page\n"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_written(port: int, method: str) -> None:
    with ask(port, "/", method) as answer:
        assert answer.status == 501


def test_it_answers_this_machine_only(port: int, store: Store) -> None:
    with ask(port, "/", Host="evil.example") as answer:
        assert answer.status == 403
    with ask(port, "/", "HEAD", Host=f"localhost:{port}") as answer:
        assert (answer.status, answer.read()) == (200, b"")
    with server(store, 0) as listening:
        assert listening.server_address[0] == "127.0.0.1"


def test_the_command_writes_the_pages_or_says_what_is_in_its_way(
    port: int, store: Store, tmp_path: Path
) -> None:
    run = CliRunner().invoke
    written = run(kvmlab, ["serve", "--store", store.url, "--into", str(tmp_path / "site")])
    assert written.output.strip() == str(tmp_path / "site" / "index.html")
    assert (tmp_path / "site" / PLOTLY).is_file()
    taken = run(kvmlab, ["serve", "--store", store.url, "--port", str(port)])
    assert isinstance(taken.exception, UsageError)
    assert str(taken.exception).endswith("give another with --port")


@pytest.mark.needs("browser")
@IN_EVERY_WINDOW
def test_every_page_is_drawn_without_errors_or_overflow(
    browser: Browser, port: int, pages: dict[str, str], scheme: str, width: int
) -> None:
    host = f"localhost:{port}"
    visit = Visit(browser, f"http://{host}/", scheme, width, host)
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.textContent") == "Skip to the content"
    for name in pages:
        visit.open(f"http://{host}/{name}")
        assert bool(visit.number(".plot")) == name.startswith(("trend-", "alert-", "fleet-"))
        visit.assert_sound()
    visit.page.close()
