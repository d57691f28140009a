"""Gathers what the page says and writes it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from lab import labels, metrics
from lab.doubts import Doubt, doubts
from lab.labels import setting_label, setting_order, short_labels
from lab.paths import RESULTS
from lab.report.facts import Fact, facts
from lab.report.figures import pictures
from lab.report.material import Material, Picture
from lab.report.prose import analysis
from lab.report.style import keys
from lab.stats import Comparison, Verdict, cells, compare
from lab.store.folder import write_atomic
from lab.store.layout import REPORT
from lab.store.read import Run, read_run
from lab.summary import SYMBOLS, Grid, grids, sentences, tally
from lab.table import tidy

NOT_SEEN = "not known"


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
    facts: list[Fact]


def write(run: str | Path, store: Path = RESULTS) -> Path:
    """Write `report.html` into the run's folder and return its path.

    Raises UsageError for a run that is not there, StoreError for one that cannot be read or
    a folder that cannot be written.
    """
    page = render(read_run(run, store))
    path = page.run.path / REPORT
    write_atomic(path, page.html.encode())
    return path


@dataclass(frozen=True)
class Page:
    run: Run
    html: str


def render(run: Run) -> Page:
    """Make the page of a run."""
    environment = Environment(
        loader=PackageLoader("lab.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"quantity": labels.quantity, "change": labels.change, "json": _json}
    environment.globals |= {"symbols": SYMBOLS, "Verdict": Verdict, "metric": metrics.metric}
    hosts = _hosts(run)
    html = environment.get_template("page.html.j2").render(
        run=run,
        manifest=run.manifest,
        command=shlex.join(run.manifest.get("command") or []),
        analysis=analysis(run.path),
        hosts=hosts,
        tally=tally([each for host in hosts for each in host.comparisons]),
        metrics=metrics.METRICS,
        css=Markup(_asset("page.css")),  # noqa: S704  (the package's own file)
        script=Markup(_asset("page.js")),  # noqa: S704
        plotly=Markup(get_plotlyjs()),  # noqa: S704
    )
    return Page(run, html)


def _hosts(run: Run) -> list[Host]:
    trials = tidy(run)
    reference = run.plan["reference"]
    settings = _settings(run)
    label = setting_label(reference)
    compared = compare(trials, label) if label in set(trials["setting"]) else []
    medians = cells(trials)
    by_host = {grid.host: grid for grid in grids(compared, medians, list(settings))}
    doubted = doubts(run)
    found = []
    for name, entry in run.manifest["hosts"].items():
        mine = [each for each in compared if each.host == name]
        looks = keys(settings, label)
        clock = run.facts(name).get("clock_class") or NOT_SEEN
        material = Material(
            clock_class=clock,
            keys=looks,
            workloads=_workloads(run, name),
            trials=trials[(trials["host"] == name) & ~trials["warmup"]],
            cells=[cell for cell in medians if cell.host == name],
            rows=[row for row in run.rows[name] if not row["warmup"]],
        )
        found.append(
            Host(
                name=name,
                state=entry["state"],
                error=entry.get("error"),
                clock_class=clock,
                names={key.label: key.name for key in looks},
                grid=by_host.get(name),
                comparisons=mine,
                sentences=[(settings[each], text) for each, text in sentences(mine)],
                tally=tally(mine),
                doubts=[doubt for doubt in doubted if doubt.host == name],
                pictures=pictures(material),
                facts=facts(run.facts(name)),
            )
        )
    return found


def _settings(run: Run) -> dict[str, str]:
    """Short labels by label of all settings that were planned, in the order of the knobs."""
    planned = {
        setting_label(trial["setting"]): trial["setting"]
        for trials in run.plan["hosts"].values()
        for trial in trials
    }
    return short_labels(sorted(planned.values(), key=setting_order))


def _workloads(run: Run, host: str) -> Sequence[str]:
    return list(dict.fromkeys(trial["workload"]["name"] for trial in run.plan["hosts"][host]))


def _json(picture: object) -> Markup:
    """Put a figure's JSON into a script element; `<` must not end it."""
    text = picture.to_json()  # type: ignore[attr-defined]
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704


def _asset(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
