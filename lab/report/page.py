"""Gathers what the page says and writes it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab import labels, metrics
from lab.costs import overhead
from lab.doubts import Doubt, doubts
from lab.facts import Fact, facts
from lab.paths import RESULTS
from lab.report.across import Group, groups
from lab.report.figures import pictures
from lab.report.material import Material, Picture
from lab.report.plots import advice
from lab.report.prose import analysis
from lab.report.templates import templates
from lab.report.whatif import whatif
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


def _replayed(run: Run, host: str) -> Iterator[Picture]:
    if run.rows[host] and (picture := whatif(run, host)):
        yield picture


def _groups(summary: Summary, known: Mapping[str, Advice]) -> list[Group]:
    """Hosts of each clock class together, in a run with comparisons on several."""
    if len({each.host for each in summary.comparisons}) < SEVERAL:
        return []
    return groups(summary.comparisons, known, summary.names)


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
        pictures=[*pictures(material), *_replayed(run, name)],
        overhead=overhead(material.probe_costs),
        facts=facts(run.facts(name)),
    )
