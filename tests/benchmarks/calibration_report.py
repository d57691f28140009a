"""The calibration as Markdown and as a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from plotly.subplots import make_subplots

from lab.labels import NONE
from tests.benchmarks.photograph import photograph

if TYPE_CHECKING:
    from tests.benchmarks.calibrate import BootRow, FamilyRow, Row, WarningRow

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
SIZE = {"width": 1160, "height": 820}

HEAD = """<!-- Written by: make calibrate ({seconds:.0f} s) -->
# How often the lab is right

Simulated experiments whose truth is known ([worlds.py](../tests/benchmarks/worlds.py)), decided by
the functions that decide on a run; [METHODOLOGY.md](../METHODOLOGY.md) says why they are as they
are. Shares of {experiments} experiments a row: the standard error of 95 % is {error:.1f} points, of
80 % {wide:.1f}.

![Coverage, detection and false alarms by blocks](calibration.png)

## One comparison

- **covered**: 95 % intervals that hold the truth. Wanted: 93 to 97.
- **A/A**: changes claimed between equal settings. Wanted: at most 5.
- **equal?**: *equivalent* claimed where the ratio is the margin itself. Wanted: at most 5.
- **found**: effects of the detectable size that a run prints, put into this very run, that it
  finds. Wanted: 75 to 85. **next run**: put into another run of the same kind, of which a run
  claims nothing: it may have been a lucky one, and the fewer its blocks and the wilder its trials,
  the further is its spread from the next one's.
- **foretold**: effects of the size that `kvmlab plan --power` says another run will find, with this
  one as its pilot; its luck is part of that size. Wanted: 75 to 85.
- **the field**, A/A, on the same trials: a t test of means and standard deviations (pyperf);
  Mann-Whitney over {events} events of each trial; medians more than {gate:.0f} % apart.

With fewer than {least} blocks nothing is ever claimed: the verdict is *inconclusive* and says so.
Figures outside what is wanted by more than two standard errors are **bold**.

| trials | blocks | covered | A/A | equal? | found | next run | foretold | width \
| t test | Mann-W. | medians |
| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |
"""
FAMILIES = """
## A whole run

{runs} runs of {size} comparisons a row. **false**: mean share of false ones among claimed changes
when half of the settings have an effect of the detectable size; wanted: at most 5. **any**: runs
without any effect that claim one; wanted: at most 5. **uncorrected**: the same, had the family been
ignored. **lone**: detectable effects, as printed in such a run, found when they are the only one.

| trials | blocks | false | any | uncorrected | lone |
| --- | --: | --: | --: | --: | --: |
"""
BOOTS = """
## Boots with an effect of their own

The truth is the mean over all boots of the host; **between** is the spread of boots' effects by
that of one block's log ratio. One or two boots cannot speak for others: their interval holds for
these boots, and is not counted here. **two-stage** is the textbook's hierarchical bootstrap with
plain percentiles, **blocks alone** knows nothing of boots.

Where boots do not differ at all, intervals hold the truth more often than they say. Boots take the
place of blocks when they vary more than their blocks explain (F above 1), which chance alone brings
about two times in five; the interval has then the width that two or three degrees of freedom ask
for. A higher bar (Paull, On a preliminary test for pooling mean squares, Ann. Math. Statist. 21,
1950) would mend those rows at the cost of rows where boots do differ by as much as their blocks,
and which have nothing to spare: the bar stays on the side of doubt.

| boots | blocks | between | covered | two-stage | blocks alone |
| --: | --: | --: | --: | --: | --: |
"""
WARNINGS = """
## Warnings without cause

Shares of single cells that would be warned of at 5 % and at 1 %, where trials are as the name says
and nothing else. (Shown are only those that remain with false discovery controlled over the run.)

| trials | blocks | drift, 5 % | 1 % | autocorrelation, 5 % | 1 % | two modes, 5 % | 1 % |
| --- | --: | --: | --: | --: | --: | --: | --: |
"""


ANY, RARELY, COVERED, FOUND = (0.0, 1.0), (0.0, 0.05), (0.93, 0.97), (0.75, 0.85)


def percent(share: float | None, of: int, wanted: tuple[float, float] = ANY) -> str:
    """Show a share of `of` in per cent, bold where it is surely not as `wanted`."""
    if share is None:
        return NONE
    error = 2 * math.sqrt(share * (1 - share) / of)
    text = f"{100 * share:.1f}"
    return text if wanted[0] - error <= share <= wanted[1] + error else f"**{text}**"


def _line(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |\n"


def of_rows(rows: Sequence[Row]) -> str:
    return "".join(
        _line(
            row.world,
            row.n,
            percent(row.covered, row.experiments, COVERED),
            percent(row.alarms, row.experiments, RARELY),
            percent(row.equivalent, row.experiments, RARELY),
            percent(row.found, row.experiments, FOUND),
            percent(row.found_next, row.experiments),
            percent(row.foretold, row.experiments, FOUND),
            f"{row.width:.2f}" if row.width else NONE,
            percent(row.t_test, row.experiments, RARELY),
            percent(row.mann_whitney, row.experiments, RARELY),
            percent(row.medians, row.experiments, RARELY),
        )
        for row in rows
    )


def of_families(rows: Sequence[FamilyRow]) -> str:
    return "".join(
        _line(
            row.world,
            row.n,
            percent(row.false, row.runs, RARELY),
            percent(row.any_alarm, row.runs, RARELY),
            percent(row.uncorrected, row.runs),
            percent(row.lone, row.runs, FOUND),
        )
        for row in rows
    )


def of_boots(rows: Sequence[BootRow]) -> str:
    return "".join(
        _line(
            row.boots,
            row.n,
            f"{row.between:g}",
            *(
                percent(share, row.experiments, COVERED)
                for share in (row.covered, row.two_stage, row.blocks)
            ),
        )
        for row in rows
    )


def of_warnings(rows: Sequence[WarningRow]) -> str:
    return "".join(
        _line(
            row.world,
            row.n,
            *(percent(share, row.experiments) for pair in row.shares for share in pair),
        )
        for row in rows
    )


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw coverage, detection, and false alarms of the lab and of the field, by blocks."""
    panels = {
        "95 % intervals that hold the truth": ("covered", (0.93, 0.97), (0.84, 1.0)),
        "detectable effects found in the run that printed them": (
            "found",
            (0.75, 0.85),
            (0.4, 1.0),
        ),
        "A/A: changes claimed by the lab": ("alarms", (0.0, 0.05), (0.0, 1.0)),
        "A/A: changes claimed by Mann-Whitney over events": (
            "mann_whitney",
            (0.0, 0.05),
            (0.0, 1.0),
        ),
    }
    figure = make_subplots(rows=2, cols=2, subplot_titles=list(panels), vertical_spacing=0.13)
    for number, (field, band, span) in enumerate(panels.values()):
        place = {"row": number // 2 + 1, "col": number % 2 + 1}
        figure.update_yaxes(range=span, tickformat=".0%", **place)
        for colour, world in zip(COLOURS, dict.fromkeys(row.world for row in rows), strict=True):
            mine = [row for row in rows if row.world == world and row.covered is not None]
            figure.add_scatter(
                x=[str(row.n) for row in mine],
                y=[getattr(row, field) for row in mine],
                name=world,
                legendgroup=world,
                showlegend=not number,
                line_color=colour,
                **place,
            )
        # After the lines: there is no band in a plot without any.
        figure.add_hrect(*band, fillcolor="#009e73", opacity=0.15, line_width=0, **place)
    figure.update_xaxes(title="blocks", type="category")
    figure.update_layout(
        template="plotly_white", legend={"orientation": "h", "y": -0.1}, margin={"t": 50}, **SIZE
    )
    photograph(figure.to_html(config={"staticPlot": True}), path, (SIZE["width"], SIZE["height"]))
