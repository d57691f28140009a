"""The report in a real browser: drawn, alone, and fit for a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from lab.report import write
from lab.store.read import Run
from tests import synthetic
from tests.lab.report.visit import DARK, DESKTOP, IN_EVERY_WINDOW, PHONE, Visit

pytestmark = pytest.mark.needs("browser")

WORKLOADS = (synthetic.FIXED_30US, synthetic.EXPONENTIAL_100US, synthetic.EXIT)
PICTURES = 5 * 2 + 1


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = synthetic.write_run(
        tmp_path_factory.mktemp("store"),
        hosts={"synthetic": "nested"},
        workloads=WORKLOADS,
        blocks=5,
    )
    return write(run)


@pytest.fixture(scope="module")
def phased_report(phased: Run) -> Path:
    return write(phased.path)


@pytest.fixture(scope="module")
def visit(browser: Browser, report: Path, request: pytest.FixtureRequest) -> Iterator[Visit]:
    scheme, width = request.param
    opened = Visit(browser, report.as_uri(), scheme, width)
    opened.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    yield opened
    opened.page.close()


@pytest.mark.parametrize("visit", [DESKTOP, DARK, PHONE], indirect=True)
def test_everything_is_drawn_without_errors_requests_or_overflow(visit: Visit) -> None:
    assert visit.number(".plot") == PICTURES
    assert visit.drawn(".scatterlayer path, .barlayer path") == PICTURES
    assert visit.number("table.full tbody tr") == 4 * (2 * 4 + 2)
    assert visit.number("table.grid tbody tr:not(.group)") == 5 * len(WORKLOADS)
    visit.assert_sound()


def test_the_refusal_would_see_a_request(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        '<div class="plot"><svg class="main-svg"></svg></div><img src="http://x.invalid/">'
    )
    visit = Visit(browser, page.as_uri(), "light")
    visit.page.wait_for_load_state("load")
    assert visit.requests == ["http://x.invalid/"]
    assert len(visit.errors) == 1
    visit.page.close()


@IN_EVERY_WINDOW
def test_phases_are_drawn_named_in_their_bars_and_fit(
    browser: Browser, phased_report: Path, scheme: str, width: int
) -> None:
    visit = Visit(browser, phased_report.as_uri(), scheme, width)
    titles = visit.page.locator(".picture h3").all_inner_texts()
    assert [title.rpartition(" hardware clock")[0] for title in titles[:3]] == [
        "Where the time of vCPUs went",
        "What exits take to handle, by class",
        "Floating-point and vector registers",
    ]
    first = visit.page.locator(".picture").first
    named = first.locator(".bartext").all_text_contents()
    assert {"guest", "handling", "polled"} <= set(named)
    assert "What x86 cannot show: " in first.inner_text()
    assert "Not visible on this host: kvm_load_guest_fpu" in first.inner_text()
    assert visit.number("table.numbers tbody tr") >= 4
    assert "The probes (phases, functions) cost the guest +" in visit.page.inner_text("main")
    visit.assert_sound()
    visit.page.close()


@IN_EVERY_WINDOW
def test_hosts_together_are_drawn_and_fit(
    browser: Browser, fleet: Path, scheme: str, width: int
) -> None:
    visit = Visit(browser, write("20260102-000000-synthetic", fleet).as_uri(), scheme, width)
    titles = visit.page.locator("#across-1 .picture h3").all_inner_texts()
    assert [title.rpartition(" hardware clock")[0] for title in titles] == [
        "Does a knob do the same everywhere?",
        "Effects side by side",
        "What latency costs, on every host",
    ]
    plots = visit.page.locator("#across-1 .plot")
    assert plots.count() == visit.number("#across-1 .plot .main-svg:first-child") > 8
    fields = visit.page.locator("#across-1 .heatmaplayer text").all_text_contents()
    assert "inert" in fields
    visit.assert_sound()
    visit.page.close()


@pytest.mark.parametrize("visit", [DESKTOP], indirect=True)
def test_the_theme_is_followed_while_the_page_is_open(visit: Visit) -> None:
    light = visit.background(), visit.title_colour()
    visit.page.emulate_media(color_scheme="dark")
    visit.page.wait_for_function(
        "before => getComputedStyle(document.querySelector('.plot .gtitle')).fill !== before",
        arg=light[1],
    )
    assert visit.background() != light[0]
    assert visit.errors == []
    visit.page.emulate_media(color_scheme="light")


@pytest.mark.parametrize("visit", [DESKTOP, PHONE], indirect=True)
def test_labels_in_a_picture_do_not_overlap(visit: Visit) -> None:
    """Ticks of an axis among themselves, and the names of points among themselves."""
    overlaps = visit.page.evaluate(
        """() => {
             const meet = (a, b) => a.left < b.right && b.left < a.right
               && a.top < b.bottom && b.top < a.bottom;
             const found = [];
             for (const plot of document.querySelectorAll('.plot'))
               for (const kind of ['.xtick text', '.ytick text', '.annotation-text']) {
                 const texts = [...plot.querySelectorAll(kind)];
                 const boxes = texts.map(text => text.getBoundingClientRect());
                 boxes.forEach((box, i) => boxes.slice(i + 1).forEach((other, j) => {
                   if (meet(box, other))
                     found.push([plot.ariaLabel, texts[i].textContent,
                                 texts[i + 1 + j].textContent]);
                 }));
               }
             return found;
           }"""
    )
    assert overlaps == []


@pytest.mark.parametrize("visit", [DARK], indirect=True)
def test_the_keyboard_folds_and_opens(visit: Visit) -> None:
    table = visit.page.locator("table.full")
    visit.page.locator("summary", has_text="Every comparison").focus()
    visit.page.keyboard.press("Enter")
    assert table.is_hidden()
    visit.page.keyboard.press("Enter")
    assert table.is_visible()
    visit.page.keyboard.press("Tab")
    assert (
        visit.page.evaluate("document.activeElement.ariaLabel") == "Every comparison on synthetic"
    )
