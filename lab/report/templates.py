"""What every page is made with: templates, the looks, the script that draws, plotly itself."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from lab.report.prose import marked


def templates(*, plotly: str = "") -> Environment:
    """Return what every page needs: the looks, the script that draws, and plotly itself.

    `plotly` is the name of the file beside the page that has it; without one it is in the page.
    """
    environment = Environment(
        loader=PackageLoader("lab.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"json": _json, "marked": marked}
    environment.globals |= {
        "css": Markup(_asset("page.css")),  # noqa: S704  (the package's own file)
        "script": Markup(_asset("page.js")),  # noqa: S704
        "plotly": _plotly(plotly),
    }
    return environment


def _json(picture: object) -> Markup:
    """Put a figure's JSON into a script element; `<` must not end it."""
    text = picture.to_json()  # type: ignore[attr-defined]
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704


def _plotly(file: str) -> Markup:
    if file:
        return Markup('<script src="{}"></script>').format(file)
    return Markup(f"<script>{get_plotlyjs()}</script>")  # noqa: S704  (plotly's own file)


def _asset(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
