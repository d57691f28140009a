"""A page in a real browser: drawn, alone, and fit for its window."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route

DESKTOP, DARK, PHONE = ("light", 1280), ("dark", 1280), ("light", 360)
IN_EVERY_WINDOW = pytest.mark.parametrize(("scheme", "width"), [DESKTOP, DARK, PHONE])
PATIENCE_MS = 300_000


class Visit:
    """A page that is open, and what went wrong on it; requests but to `host` are refused."""

    def __init__(
        self, browser: Browser, url: str, scheme: str, width: int = 1280, host: str = ""
    ) -> None:
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page: Page = browser.new_page(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,  # type: ignore[arg-type]
        )
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.route(re.compile(f"^(http|ws)s?://(?!{re.escape(host)}/)"), self._refuse)
        self.open(url)

    def open(self, url: str) -> None:
        """Go to a page and wait until all of its pictures are drawn."""
        self.page.goto(url)
        self.page.wait_for_function(
            "n => document.querySelectorAll('.plot .main-svg:first-child').length === n",
            arg=self.number(".plot"),
        )

    def assert_sound(self) -> None:
        """Nothing went wrong, nothing was asked of anyone, and the page is no wider than it may."""
        assert self.errors == []
        assert self.requests == []
        assert self.overflow() <= 0

    def number(self, selector: str) -> int:
        return self.page.locator(selector).count()

    def drawn(self, marks: str) -> int:
        """Pictures that have one of these marks in them."""
        found: int = self.page.evaluate(
            "marks => [...document.querySelectorAll('.plot')]"
            ".filter(plot => plot.querySelector(marks)).length",
            marks,
        )
        return found

    def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        wide: int = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return wide

    def background(self) -> str:
        colour: str = self.page.evaluate("getComputedStyle(document.body).backgroundColor")
        return colour

    def title_colour(self) -> str:
        colour: str = self.page.evaluate(
            "getComputedStyle(document.querySelector('.plot .gtitle')).fill"
        )
        return colour

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(message.text)

    def _refuse(self, route: Route) -> None:
        self.requests.append(route.request.url)
        route.abort()
