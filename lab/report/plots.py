"""The report's pictures one at a time, as figures of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import plotly.graph_objects as go

from lab.errors import UsageError
from lab.labels import setting_label
from lab.report import across, figures
from lab.report.material import Material, Picture
from lab.report.theme import themed
from lab.stats.choice import Advice, advise
from lab.stats.tradeoff import tradeoffs
from lab.store.read import Run
from lab.summary import Summary, summarise

OF_A_HOST = {draw.__name__: draw for draw in figures.DRAWN}
ACROSS_HOSTS = {draw.__name__: draw for draw in across.DRAWN}
NAMES = (*OF_A_HOST, *ACROSS_HOSTS)


def draw(runs: Sequence[Run], name: str, *, dark: bool = False) -> list[go.Figure]:
    """Draw the picture of that name, one figure for each panel; UsageError for an unknown name."""
    if name not in NAMES:
        raise UsageError(f"no picture {name!r}: there are {', '.join(NAMES)}")
    return [
        themed(multiple.figure, dark=dark)
        for picture in _pictures([summarise(run) for run in runs], name)
        for multiple in picture.multiples
    ]


def advice(summaries: Sequence[Summary]) -> dict[str, Advice]:
    """Weigh latency against CPU on the hosts of all these runs, by clock class."""
    found = [
        tradeoff
        for each in summaries
        for tradeoff in tradeoffs(each.trials, setting_label(each.run.plan["reference"]))
    ]
    return {each.clock_class: each for each in advise(found)}


def _pictures(summaries: Sequence[Summary], name: str) -> Iterator[Picture]:
    if name in ACROSS_HOSTS:
        comparisons = [each for summary in summaries for each in summary.comparisons]
        names = {label: name for each in summaries for label, name in each.names.items()}
        for comparable in across.comparables(comparisons, advice(summaries), names):
            yield ACROSS_HOSTS[name](comparable)
        return
    for summary in summaries:
        known = advice([summary])
        for host, rows in summary.run.rows.items():
            if rows:
                yield OF_A_HOST[name](Material.of(summary, host, known))
