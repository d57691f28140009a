"""Looks of the pictures. Colours name CSS variables; `page.css` and `page.js` fill them in."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from lab.labels import change, nanoseconds

INK, FAINT, GRID = "var(--ink)", "var(--faint)", "var(--grid)"
HEIGHT = 300
BAR, EDGES = 34, 110
"""Height of a bar, and of what is around all of them, in pixels."""
NARROW = 0.7
"""Decades below which ticks are spaced evenly, not by factors."""
STEPS = ((1.4, (1, 2, 5)), (2.4, (1, 3)), (math.inf, (1,)))
"""Factors between powers of ten, by the decades below which their labels do not touch."""
TICKS, WIDE = 5, 2.5
"""How many ticks fit on an axis of ratios, and from which span on they are factors."""
PERCENT = (0.5, 1, 2, 5, 10, 20, 50, 100)
FACTORS = (0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 50, 100, 1000)

# From cold to hot in the order of the knob; a symbol and a dash each, so that colour is not needed.
COLOURS = tuple(f"var(--s{number})" for number in range(6))
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "star")
GLYPHS = ("●", "■", "◆", "▲", "✖", "★")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


@dataclass(frozen=True)
class Key:
    """How a setting looks in every picture."""

    label: str
    short: str
    colour: str
    symbol: str
    glyph: str
    dash: str
    is_reference: bool

    @property
    def name(self) -> str:
        return f"{self.short} (reference)" if self.is_reference else self.short


def keys(shorts: dict[str, str], reference: str) -> list[Key]:
    """Give each setting its looks, in the order of `shorts` (label to short label)."""
    return [
        Key(
            label=label,
            short=short,
            colour=COLOURS[number % len(COLOURS)],
            symbol=SYMBOLS[number % len(SYMBOLS)],
            glyph=GLYPHS[number % len(GLYPHS)],
            dash=DASHES[number % len(DASHES)],
            is_reference=label == reference,
        )
        for number, (label, short) in enumerate(shorts.items())
    ]


def figure(traces: Iterable[go.Scatter | go.Bar], title: str, **layout: Any) -> go.Figure:  # noqa: ANN401
    """Return a small picture with the lab's looks; `layout` is plotly's."""
    return go.Figure(
        list(traces),
        {
            "template": {},
            "title": {"text": title, "x": 0, "xref": "container", "xanchor": "left",
                      "pad": {"l": 8}, "font": {"size": 14, "color": INK}},
            "font": {"family": "system-ui, sans-serif", "size": 12, "color": INK},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "margin": {"l": 8, "r": 20, "t": 40, "b": 8},
            "height": HEIGHT,
            "showlegend": False,
            "hoverlabel": {"bgcolor": "var(--card)", "bordercolor": FAINT, "font": {"color": INK}},
            **layout,
        },
    )  # fmt: skip


def titled(text: str, small: str) -> str:
    """Return the title of a small picture, with what is said beside it in small letters."""
    return f"<b>{text}</b>  <span style='font-size:11px'>{small}</span>"


def filled(colour: str, pattern: str, *, solidity: float) -> dict[str, Any]:
    """Return the marker of a bar; its pattern tells it from others without colour."""
    return {
        "color": colour,
        "pattern": {
            "shape": pattern,
            "bgcolor": colour,
            "fgcolor": "var(--card)",
            "size": 6,
            "solidity": solidity,
        },
        "line": {"color": "var(--card)", "width": 1},
    }


def axis(title: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "title": {"text": title, "standoff": 6, "font": {"size": 12}},
        "automargin": True,
        "gridcolor": GRID,
        "zeroline": False,
        "linecolor": FAINT,
        "fixedrange": False,
        **more,
    }


def time_axis(title: str, values: Iterable[float], room: float = 0.06) -> dict[str, Any]:
    """Return a logarithmic axis that holds all `values` (ns) and a share of `room` beside them."""
    positive = [value for value in values if value > 0] or [1.0, 10.0]
    low, high = math.log10(min(positive)), math.log10(max(positive))
    margin = max(room * (high - low), 0.05)
    low, high = low - margin, high + margin
    ticks = _ticks(low, high)
    return axis(
        title,
        type="log",
        range=[low, high],
        tickvals=ticks,
        ticktext=[nanoseconds(tick) for tick in ticks],
    )


def ratio_axis(title: str, values: Iterable[float]) -> dict[str, Any]:
    """Return a logarithmic axis of ratios that holds all `values` and 1, with changes for ticks."""
    logs = [math.log10(value) for value in values if value > 0]
    low, high = min([*logs, -0.01]), max([*logs, 0.01])
    margin = 0.06 * (high - low)
    low, high = low - margin, high + margin
    ticks = _ratio_ticks(10**low, 10**high)
    return axis(
        title,
        type="log",
        range=[low, high],
        tickvals=ticks,
        ticktext=["0" if tick == 1 else change(tick) for tick in ticks],
    )


def _ratio_ticks(low: float, high: float) -> list[float]:
    """Round changes: even steps in per cent where all are small, else factors."""
    if high / low < WIDE:
        step = next(each for each in PERCENT if (high - low) * 100 / each <= TICKS)
        first, last = math.ceil((low - 1) * 100 / step), math.floor((high - 1) * 100 / step)
        return [1 + number * step / 100 for number in range(first, last + 1)]
    inside = [each for each in FACTORS if low <= each <= high]
    apart = math.log(high / low) / TICKS
    ticks: list[float] = [1.0]
    for each in sorted(inside, key=lambda each: abs(math.log(each))):
        if all(abs(math.log(each / tick)) >= apart for tick in ticks):
            ticks.append(each)
    return sorted(ticks)


def _ticks(low: float, high: float) -> list[float]:
    """Round values between powers of ten; no more than fit below a picture on a phone."""
    span = high - low
    if span < NARROW:
        step = (10**high - 10**low) / 4
        size = 10 ** math.floor(math.log10(step))
        step = next(factor * size for factor in (1, 2, 2.5, 5, 10) if factor * size >= step)
        first = math.ceil(10**low / step)
        return [number * step for number in range(first, math.floor(10**high / step) + 1)]
    factors = next(factors for widest, factors in STEPS if span < widest)
    powers = range(math.floor(low), math.ceil(high) + 1)
    values = [factor * 10.0**power for power in powers for factor in factors]
    return [value for value in values if low <= math.log10(value) <= high]
