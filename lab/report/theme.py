"""Figures with colours of their own, for where no page gives them its: notebooks, files."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import plotly.graph_objects as go

ROOT = re.compile(r":root\s*\{([^}]*)\}")
PROPERTY = re.compile(r"(--[\w-]+):\s*([^;]+);")
VARIABLE = re.compile(r"var\((--[\w-]+)\)")


@cache
def palettes() -> tuple[dict[str, str], dict[str, str]]:
    """Read the colours of `page.css`, by variable: the light theme's and the dark one's."""
    css = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    light, dark = (dict(PROPERTY.findall(block)) for block in ROOT.findall(css))
    return light, light | dark


def themed(figure: go.Figure, *, dark: bool = False) -> go.Figure:
    """Return the figure with every CSS variable replaced by its colour, on the page's ground."""
    colours = palettes()[dark]
    text = VARIABLE.sub(lambda match: colours[match[1]], figure.to_json())
    drawn = go.Figure(json.loads(text))
    return drawn.update_layout(paper_bgcolor=colours["--card"], plot_bgcolor=colours["--card"])
