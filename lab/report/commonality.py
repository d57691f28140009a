"""The commonality matrix as a page: how much of KVM is one, and how much is four."""

from __future__ import annotations

from collections.abc import Iterator

import plotly.graph_objects as go

from lab.commonality import KINDS, Commonality
from lab.report.material import LegendEntry, Multiple, Picture
from lab.report.style import COLOURS, FAINT, GLYPHS, GRID, INK, axis, figure
from lab.report.templates import templates

SPREADS = {"all": "on all", "some": "on some", "one": "on one only"}
SPREAD_COLOURS = dict(zip(SPREADS, ("var(--s2)", "var(--s1)", "var(--sleep)"), strict=True))
KIND_COLOURS = dict(zip(KINDS, COLOURS, strict=False))
# Share of the height that the dots below the bars take, for each architecture.
ROW = 0.08


def render(matrix: Commonality) -> str:
    """Return the matrix as HTML that needs nothing but itself."""
    return (
        templates()
        .get_template("commonality.html.j2")
        .render(matrix=matrix, whole=matrix.counts[-1], pictures=pictures(matrix))
    )


def pictures(matrix: Commonality) -> list[Picture]:
    """Return the shares by kind, and the sets of architectures that have things in common."""
    return [
        Picture(
            title="How much is common",
            caption="Names of tracepoints, KVM statistics, knobs and functions, by how many of "
            f"these architectures have them: {', '.join(matrix.architectures)}. A tracepoint may "
            "be there and never fire. Functions are those named kvm_arch_… and kvm_vcpu_… that "
            "were not inlined.",
            legend=tuple(
                LegendEntry(text, SPREAD_COLOURS[spread], GLYPHS[1])
                for spread, text in SPREADS.items()
            ),
            multiples=(Multiple(_shares(matrix), "share of names common to all, by kind"),),
        ),
        Picture(
            title="Who shares what",
            caption="Each column is a set of architectures (filled dots) and counts the names that "
            "exactly these have.",
            legend=tuple(LegendEntry(k, KIND_COLOURS[k], GLYPHS[1]) for k in KINDS),
            multiples=(Multiple(_sets(matrix), "names by the set of architectures"),),
        ),
    ]


def _shares(matrix: Commonality) -> go.Figure:
    counts = matrix.counts
    names = [f"{count.kind} ({count.total})" for count in counts]
    numbers = {
        "all": [count.everywhere for count in counts],
        "some": [count.some for count in counts],
        "one": [count.one for count in counts],
    }
    return figure(
        (
            go.Bar(
                y=names,
                x=[
                    100 * n / count.total if count.total else 0
                    for n, count in zip(numbers[spread], counts, strict=True)
                ],
                text=[str(n) if n else "" for n in numbers[spread]],
                textposition="inside",
                insidetextanchor="middle",
                insidetextfont={"color": "#ffffff"},
                name=text,
                orientation="h",
                marker={"color": SPREAD_COLOURS[spread]},
                hovertemplate=f"%{{y}}: %{{text}} {text}<extra></extra>",
            )
            for spread, text in SPREADS.items()
        ),
        "<b>share of names</b>",
        barmode="stack",
        xaxis=axis("%", range=[0, 100]),
        yaxis=axis("", autorange="reversed", type="category", gridcolor="rgba(0,0,0,0)"),
    )


def _sets(matrix: Commonality) -> go.Figure:
    low = ROW * len(matrix.architectures)
    return figure(
        [*_bars(matrix), *_dots(matrix)],
        "<b>names in common</b>",
        barmode="stack",
        height=440,
        bargap=0.3,
        xaxis=axis("", showticklabels=False, anchor="y2", gridcolor="rgba(0,0,0,0)"),
        yaxis=axis("names", domain=[low + 0.04, 1]),
        yaxis2=axis(
            "",
            domain=[0, low],
            type="category",
            autorange="reversed",
            categoryarray=matrix.architectures,
            gridcolor=GRID,
        ),
    )


def _bars(matrix: Commonality) -> Iterator[go.Bar]:
    totals = [sum(how_many.values()) for _, how_many in matrix.sets]
    for kind in KINDS:
        yield go.Bar(
            x=list(range(len(totals))),
            y=[how_many.get(kind, 0) for _, how_many in matrix.sets],
            marker={"color": KIND_COLOURS[kind]},
            customdata=[", ".join(who) for who, _ in matrix.sets],
            hovertemplate=f"%{{y}} {kind}s on %{{customdata}}<extra></extra>",
        )
    yield go.Scatter(
        x=list(range(len(totals))),
        y=totals,
        text=[str(total) for total in totals],
        mode="text",
        textposition="top center",
        textfont={"color": INK},
        cliponaxis=False,
        hoverinfo="skip",
    )


def _dots(matrix: Commonality) -> Iterator[go.Scatter]:
    for column, (who, _) in enumerate(matrix.sets):
        for there, colour in ((False, FAINT), (True, INK)):
            rows = [name for name in matrix.architectures if (name in who) == there]
            yield go.Scatter(
                x=[column] * len(rows),
                y=rows,
                yaxis="y2",
                mode="markers+lines" if there else "markers",
                line={"color": colour, "width": 2},
                marker={"color": colour, "size": 11 if there else 5},
                hoverinfo="skip",
            )
