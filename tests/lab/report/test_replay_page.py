"""The pages of the replay in a real browser: every picture drawn, in both themes and on a phone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from lab.paths import RESULTS
from lab.replay import grid, surfaces
from lab.replay.tuning import choices, goal
from lab.replay.validate import validate
from lab.report import replay, validation
from lab.store.read import Run, read_run
from tests.lab.report.visit import IN_EVERY_WINDOW, Visit

pytestmark = pytest.mark.needs("browser")

RUN = "20261123-032244-halt_poll_brief"
DRAWN = ".heatmaplayer image, .scatterlayer path"


@pytest.fixture(scope="module")
def brief() -> Run:
    return read_run(RUN, RESULTS / "recorded")


@pytest.fixture(scope="module")
def pages(brief: Run, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    asked = grid.parse("halt_poll_ns=0,50us,200us shrink=0,2")
    with ThreadPoolExecutor(1) as here:
        found = surfaces(brief, lambda base: grid.settings(asked, base), here)
    texts = {
        "surface": replay.render(RUN, found, choices(found, goal("20%", None))),
        "validation": validation.render(RUN, validate(brief)),
    }
    folder = tmp_path_factory.mktemp("pages")
    for name, text in texts.items():
        (folder / name).with_suffix(".html").write_text(text)
    return {name: (folder / name).with_suffix(".html") for name in texts}


@pytest.mark.parametrize(("name", "pictures"), [("surface", 15), ("validation", 4)])
@IN_EVERY_WINDOW
def test_every_picture_is_drawn_without_errors_or_overflow(
    browser: Browser, pages: dict[str, Path], name: str, pictures: int, scheme: str, width: int
) -> None:
    visit = Visit(browser, pages[name].as_uri(), scheme, width)
    assert visit.drawn(DRAWN) == pictures
    visit.assert_sound()
    visit.page.close()


def test_the_recommended_setting_is_marked_and_a_front_tabulated(pages: dict[str, Path]) -> None:
    text = pages["surface"].read_text()
    assert "recommended" in text
    assert "The settings on the front, with intervals over trials" in text
