"""The scores of detectors as tables of Markdown and as a picture of small multiples."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from playwright.sync_api import sync_playwright
from plotly.offline import get_plotlyjs
from plotly.subplots import make_subplots

from lab.detect.synthetic import Noise
from lab.labels import NONE
from tests.benchmarks.detection_score import IN_TIME, Found, Rate, Score

STEPS = ("0.01", "0.02", "0.05", "0.1", "0.2")
KINDS = {f"step {float(size):.0%}": (size, 0, IN_TIME) for size in STEPS} | {
    "double, first": ("double", 0, IN_TIME),
    "double, second": ("double", 1, IN_TIME),
    "drift": ("drift", 0, 2 * IN_TIME),
}
"""What changed: its name in `Case`, which of its changes, and the nights that a miss counts as."""
Scores = dict[str, list[Score]]
WIDTH, HEIGHT = 1080, 420
SYMBOLS = ("circle", "circle-open", "square", "diamond", "triangle-up", "x")
# The report's colours (lab/report/page.css), for a page that has no style sheet.
INKS = {
    "light": ("#1b1f27", "#e3e6eb", "#fff", "#23307f", "#2f7fc1", "#148f77", "#b27c00", "#c43c1d"),
    "dark": ("#eee", "#2c333e", "#1b2028", "#8f9bff", "#5cb3f2", "#41d1b0", "#f0bd4a", "#ff8163"),
}  # fmt: skip


def rates(detectors: Scores) -> Iterator[str]:
    """Tabulate false alerts per series and year, by noise."""
    yield "| detector | series | " + " | ".join(Noise) + " | all |"
    yield "| --- | ---: |" + " ---: |" * (len(Noise) + 1)
    for name, scores in detectors.items():
        shown = [_rate(of_noise(scores, noise)) for noise in Noise] + [_rate(scores)]
        yield f"| {name} | {len(scores):,} | " + " | ".join(shown) + " |"


def _rate(scores: list[Score]) -> str:
    if not scores:
        return NONE
    rate = Rate.of(scores)
    return f"{rate.per_year:.2f} ({rate.low:.2f} to {rate.high:.2f})"


def found(detectors: Scores) -> Iterator[str]:
    """Tabulate what was found and how late, by what changed, and what only luck found."""
    yield "| detector | " + " | ".join(KINDS) + " | by luck |"
    yield "| --- |" + " ---: |" * (len(KINDS) + 1)
    for name, scores in detectors.items():
        shown = (_found(of_kind(scores, kind)) for kind in KINDS)
        yield f"| {name} | " + " | ".join(shown) + f" | {lucky(scores):.0%} |"


def _found(some: Found) -> str:
    return f"{some.share:.0%}, {np.median(some.nights):.0f} ({some.nights.mean():.1f})"


def beside(detectors: Scores, names: tuple[str, str]) -> Iterator[str]:
    """Tabulate a detector and one of the lab's on the first's series, change by change."""
    theirs, ours = (detectors[name] for name in names)
    ours = ours[: len(theirs)]
    yield f"| on the same {len(theirs):,} series | {' | '.join(names)} | nights sooner |"
    yield "| --- | ---: | ---: | ---: |"
    yield f"| false alerts per series and year | {_rate(theirs)} | {_rate(ours)} | |"
    yield f"| told by luck where nothing changed | {lucky(theirs):.0%} | {lucky(ours):.0%} | |"
    calm = [[each for each in some if not _lingers(each)] for some in (theirs, ours)]
    rows = {kind: [of_kind(some, kind) for some in (theirs, ours)] for kind in KINDS}
    rows["all"] = [of_all(some) for some in (theirs, ours)]
    rows["all but autocorrelated"] = [of_all(some) for some in calm]
    for what, (their, our) in rows.items():
        ahead, reach = our.sooner(their)
        cells = (f"{each.share:.0%}, {each.nights.mean():.1f}" for each in (their, our))
        yield f"| {what}, {our.nights.size} | {' | '.join(cells)} | {ahead:+.1f} ± {reach:.1f} |"


def lucky(scores: list[Score]) -> float:
    """Return the share of pretended changes that were told."""
    return float(np.mean([delay is not None for each in scores for delay in each.lucky]))


def _lingers(score: Score) -> bool:
    return score.case.series.recipe.noise is Noise.AUTOCORRELATED


def of_noise(scores: list[Score], noise: Noise) -> list[Score]:
    return [each for each in scores if each.case.series.recipe.noise is noise]


def of_kind(scores: list[Score], kind: str) -> Found:
    what, which, longest = KINDS[kind]
    return Found.of([each.delays[which] for each in scores if each.case.what == what], longest)


def of_all(scores: list[Score]) -> Found:
    some = [of_kind(scores, kind) for kind in KINDS]
    shares = [each.share for each in some for _ in each.nights]
    return Found(float(np.mean(shares)), np.concatenate([each.nights for each in some]))


def draw(detectors: Scores, folder: Path) -> list[Path]:
    """Write the picture for light and for dark pages; return the files."""
    files = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.set_content("<div id=picture></div>")
        page.add_script_tag(content=get_plotlyjs())
        for scheme in INKS:
            url = page.evaluate(
                "async ([figure, format]) => decodeURIComponent("
                "(await Plotly.toImage(figure, format)).replace('data:image/svg+xml,', ''))",
                [
                    _figure(detectors, scheme).to_plotly_json(),
                    {"format": "svg", "width": WIDTH, "height": HEIGHT},
                ],
            )
            file = folder / f"detection-{scheme}.svg"
            file.write_text(url + "\n")
            files.append(file)
        browser.close()
    return files


def _figure(detectors: Scores, scheme: str) -> go.Figure:
    ink, grid, paper, *colours = INKS[scheme]
    titles = (
        "false alerts per series and year",
        "steps found within 60 nights",
        "nights until told",
    )
    figure = make_subplots(cols=3, subplot_titles=titles, horizontal_spacing=0.07)
    sizes = [kind for kind, (what, *_) in KINDS.items() if what in STEPS]
    for number, (name, scores) in enumerate(detectors.items()):
        look = {
            "name": name,
            "legendgroup": name,
            "mode": "lines+markers",
            "line": {"color": colours[number], "width": 2},
            "marker": {"symbol": SYMBOLS[number], "size": 9},
        }
        by_noise = [Rate.of(of_noise(scores, noise)) for noise in Noise]
        steps = [of_kind(scores, size) for size in sizes]
        values = (
            (list(map(str, Noise)), [each.per_year for each in by_noise]),
            (sizes, [100 * each.share for each in steps]),
            (sizes, [each.nights.mean() for each in steps]),
        )
        for column, (x, y) in enumerate(values, 1):
            trace = go.Scatter(x=x, y=y, showlegend=column == 1, **look)
            # Side by side where they would hide each other's intervals, else one above the other.
            trace.offsetgroup = name if column == 1 else "lines"
            if column == 1:
                trace.mode = "markers"
                trace.error_y = {
                    "array": [each.high - each.per_year for each in by_noise],
                    "arrayminus": [each.per_year - each.low for each in by_noise],
                    "thickness": 1.2,
                }
            figure.add_trace(trace, row=1, col=column)
    figure.update_layout(
        template={},
        paper_bgcolor=paper,
        plot_bgcolor=paper,
        font={"family": "system-ui, sans-serif", "size": 12, "color": ink},
        margin={"l": 45, "r": 15, "t": 40, "b": 95},
        legend={"orientation": "h", "y": -0.28},
        scattermode="group",
    )
    figure.update_annotations(font_size=14)
    figure.update_xaxes(gridcolor=grid, linecolor=grid, zeroline=False)
    figure.update_yaxes(gridcolor=grid, linecolor=grid, zeroline=False, rangemode="tozero")
    figure.update_yaxes(type="log", tickvals=[0.01, 0.1, 1, 10], rangemode="normal", col=1)
    figure.update_yaxes(ticksuffix=" %", col=2)
    return figure
