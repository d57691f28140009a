"""A page as Chromium draws it, for a committed picture."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright


def photograph(html: str, path: Path, size: tuple[int, int], selector: str = "body") -> None:
    """Write what the first `selector` shows, in a window of `size` pixels, to `path` (PNG)."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        file = Path(folder, "page.html")
        file.write_text(html)
        with driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        ) as browser:
            page = browser.new_page(viewport={"width": size[0], "height": size[1]})
            page.goto(file.as_uri())
            page.locator(".main-svg").first.wait_for()
            page.locator(selector).first.screenshot(path=path)
