"""The pages of the replay in a real browser: every picture drawn, in both themes and on a phone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from lab.paths import RESULTS
from lab.replay import grid, surfaces
from lab.replay.tuning import choices, goal
from lab.replay.validate import validate
from lab.report import replay, validation
from lab.store.read import Run, read_run

pytestmark = pytest.mark.needs("browser")

RUN = "20261123-032244-halt_poll_brief"
DRAWN = ".heatmaplayer image, .scatterlayer path"


@pytest.fixture(scope="module")
def brief() -> Run:
    return read_run(RUN, RESULTS / "recorded")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


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
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 360)])
def test_every_picture_is_drawn_without_errors_or_overflow(
    browser: Browser, pages: dict[str, Path], name: str, pictures: int, scheme: str, width: int
) -> None:
    errors: list[str] = []
    page = browser.new_page(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(pages[name].as_uri())
    page.wait_for_function(
        f"document.querySelectorAll('.plot .main-svg').length >= {pictures}", timeout=300_000
    )
    drawn = page.evaluate(
        "mark => [...document.querySelectorAll('.plot')].filter(p => p.querySelector(mark)).length",
        DRAWN,
    )
    wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    page.close()
    assert drawn == pictures
    assert errors == []
    assert wider <= 0


def test_the_recommended_setting_is_marked_and_a_front_tabulated(pages: dict[str, Path]) -> None:
    text = pages["surface"].read_text()
    assert "recommended" in text
    assert "The settings on the front, with intervals over trials" in text
