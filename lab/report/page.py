"""Gathers what the page says and writes it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from lab import labels, metrics
from lab.costs import overhead
from lab.doubts import Doubt, doubts
from lab.facts import Fact, facts
from lab.paths import RESULTS
from lab.report.across import Comparable, comparables
from lab.report.across import pictures as pictures_across
from lab.report.figures import pictures
from lab.report.material import Material, Picture
from lab.report.plots import advice
from lab.report.prose import analysis, marked
from lab.stats import Comparison, Verdict
from lab.stats.choice import Advice
from lab.store.folder import write_atomic
from lab.store.layout import REPORT
from lab.store.read import Run, read_run
from lab.summary import SYMBOLS, Grid, Summary, sentences, summarise, tally

SEVERAL = 2


@dataclass(frozen=True)
class Host:
    """One host's part of the page."""

    name: str
    state: str
    error: str | None
    clock_class: str
    names: dict[str, str]
    grid: Grid | None
    comparisons: list[Comparison]
    sentences: list[tuple[str, str]]
    tally: str
    doubts: list[Doubt]
    pictures: list[Picture]
    overhead: str
    facts: list[Fact]


@dataclass(frozen=True)
class Group:
    """The part of the page on all hosts of one clock class."""

    comparable: Comparable
    pictures: list[Picture]


def write(run: str | Path, store: Path = RESULTS) -> Path:
    """Write `report.html` into the run's folder and return its path.

    Raises UsageError for a run that is not there, StoreError for one that cannot be read or
    a folder that cannot be written.
    """
    whole = read_run(run, store)
    path = whole.path / REPORT
    write_atomic(path, render(whole).encode())
    return path


def render(run: Run) -> str:
    """Return the HTML of a run's report."""
    environment = templates()
    environment.filters |= {
        "quantity": labels.quantity,
        "change": labels.change,
        "give_or_take": labels.give_or_take,
    }
    environment.globals |= {
        "symbols": SYMBOLS,
        "Verdict": Verdict,
        "metric": metrics.metric,
        "changes": labels.changes,
    }
    environment.filters["marked"] = marked
    summary = summarise(run)
    known = advice([summary])
    hosts = _hosts(summary, known)
    return environment.get_template("page.html.j2").render(
        run=run,
        manifest=run.manifest,
        command=shlex.join(run.manifest.get("command") or []),
        analysis=analysis(run.path),
        hosts=hosts,
        groups=_groups(summary, known),
        tally=tally(summary.comparisons),
        metrics=[each for each in metrics.METRICS if each.name in set(summary.trials["metric"])],
    )


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
    environment.filters["json"] = _json
    environment.globals |= {
        "css": Markup(_asset("page.css")),  # noqa: S704  (the package's own file)
        "script": Markup(_asset("page.js")),  # noqa: S704
        "plotly": _plotly(plotly),
    }
    return environment


def _groups(summary: Summary, known: Mapping[str, Advice]) -> list[Group]:
    """Hosts of each clock class together, in a run with comparisons on several."""
    if len({each.host for each in summary.comparisons}) < SEVERAL:
        return []
    found = comparables(summary.comparisons, known, summary.names)
    return [Group(each, pictures_across(each)) for each in found]


def _hosts(summary: Summary, known: Mapping[str, Advice]) -> list[Host]:
    found = doubts(summary.run)
    grids = {grid.host: grid for grid in summary.grids}
    return [
        _host(
            summary,
            name,
            grids.get(name),
            [each for each in found if each.host == name],
            Material.of(summary, name, known),
        )
        for name in summary.run.manifest["hosts"]
    ]


def _host(
    summary: Summary, name: str, grid: Grid | None, found: list[Doubt], material: Material
) -> Host:
    run = summary.run
    entry = run.manifest["hosts"][name]
    comparisons = [each for each in summary.comparisons if each.host == name]
    return Host(
        name=name,
        state=entry["state"],
        error=entry.get("error"),
        clock_class=material.clock_class,
        names={key.label: key.name for key in material.keys},
        grid=grid,
        comparisons=comparisons,
        sentences=[(summary.names[each], text) for each, text in sentences(comparisons)],
        tally=tally(comparisons),
        doubts=found,
        pictures=pictures(material),
        overhead=overhead(material.probe_costs),
        facts=facts(run.facts(name)),
    )


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
