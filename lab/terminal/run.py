"""What the terminal shows, as rich renderables, and the same as plain records for `--json`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lab import costs
from lab.doubts import Doubt, Grade, doubts, worst
from lab.facts import facts
from lab.labels import (
    MINUS,
    NONE,
    change,
    changes,
    clock,
    give_or_take,
    percents,
    quantity,
    setting_label,
)
from lab.limits import Limits
from lab.stats import Cell, Comparison, Verdict
from lab.stats.interval import MIN_BLOCKS
from lab.store.layout import Document
from lab.store.listing import RunSummary
from lab.store.read import Run
from lab.summary import SYMBOLS, Entry, Grid, Row
from lab.table import tidy

Record = dict[str, Any]
PLAIN: dict[str, Any] = {"box": None, "pad_edge": False, "header_style": "bold"}

COLOURS = {
    Verdict.BETTER: "green",
    Verdict.WORSE: "red",
    Verdict.EQUIVALENT: "cyan",
    Verdict.INCONCLUSIVE: "dim",
    Verdict.UNSTABLE: "yellow",
    Verdict.INERT: "yellow",
    Verdict.MISSING: "yellow",
}
GRADE_COLOURS = {
    Grade.FINE: "green",
    Grade.UNSEEN: "dim",
    Grade.DOUBT: "yellow",
    Grade.DISTRUST: "red",
}
SPREAD, MDE, NOISE = "spread", "MDE", "A/A"
OF_MDE = "what would have been found four times in five"
OF_NOISE = "how far the host differs from itself"
STATE_COLOURS = {"complete": "green", "failed": "red", "partial": "yellow", "running": "cyan"}
WIDE = 120
HEADINGS = {
    "round_trip_p50_ns": "trip p50",
    "round_trip_p99_ns": "trip p99",
    "wakeup_p50_ns": "wake-up p50",
    "wakeup_p99_ns": "wake-up p99",
    "cpu_ns_per_wakeup": "CPU/wake-up",
    "poll_fail_ns_per_wakeup": "vain poll",
    "exit_p50_ns": "exit p50",
    "exit_p99_ns": "exit p99",
}


class Warned(Protocol):
    """A comparison of whatever kind, with reasons to doubt it."""

    @property
    def workload(self) -> str: ...
    @property
    def metric(self) -> str: ...
    @property
    def warnings(self) -> tuple[str, ...]: ...


def comparison_records(comparisons: Sequence[Comparison]) -> list[Record]:
    return [each.record() for each in comparisons]


def comparison_table(grid: Grid, names: Mapping[str, str], width: int = 80) -> Group:
    """One row for each workload and setting, one column for each metric, for one host.

    `names` are short labels of settings (`lab.labels.short_labels`). A cell is the median, its
    change against the reference and a sign for the verdict; from 120 columns on also the
    change's 95 % interval in per cent. Below each workload stands what its comparisons could not
    have seen, below all of them what there is to doubt.
    """
    wide = width >= WIDE
    clock_class = clock(grid.clock_class or "unknown")
    if len(names) == 1:
        medians = _medians(grid)
        return Group(Text(f"{grid.host} ({clock_class}), {grid.reference}", style="bold"), medians)
    title = f"{grid.host} ({clock_class}), change against {grid.reference}"
    used = {e.comparison.verdict for r in grid.rows for e in r.entries.values() if e.comparison}
    signs = ", ".join(f"{SYMBOLS[verdict]} {verdict}" for verdict in Verdict if verdict in used)
    compared = [e.comparison for r in grid.rows for e in r.entries.values() if e.comparison]
    interval = "; [95 % interval of the change, in %]" if wide else ""
    return Group(
        Text(title, style="bold"),
        *(
            _workload(workload, rows, grid, names, wide=wide)
            for workload, rows in grid.by_workload.items()
        ),
        Text(f"* reference; n trials; {signs}{interval}", style="dim"),
        Text("; ".join(_of_limits(compared)), style="dim"),
        *(Text(line, style="yellow") for line in warned(compared)),
    )


def _of_limits(compared: Sequence[Comparison]) -> Iterator[str]:
    """Say what the rows below a workload are."""
    yield f"{SPREAD}: of trials"
    if any(each.detectable for each in compared):
        yield f"{MDE}: {OF_MDE}"
    elif all(each.n < MIN_BLOCKS for each in compared):
        yield f"fewer than {MIN_BLOCKS} blocks show nothing"
    if any(each.noise_floor for each in compared):
        yield f"{NOISE}: {OF_NOISE}"


def warned(rows: Iterable[Warned]) -> list[str]:
    """Say once for each workload and metric what there is to doubt in its comparisons."""
    return list(
        dict.fromkeys(
            f"doubt: {row.workload}, {HEADINGS.get(row.metric, row.metric)}: {warning}"
            for row in rows
            for warning in row.warnings
        )
    )


def _medians(grid: Grid) -> Table:
    """Return the medians of a grid with a single setting, a row for each workload."""
    table = Table(**PLAIN, padding=(0, 1, 0, 0))
    table.add_column("workload", no_wrap=True)
    table.add_column("n", justify="right")
    for name in grid.metrics:
        table.add_column(HEADINGS.get(name, name), justify="right", no_wrap=True)
    for row in grid.rows:
        cells = (row.entries[name].cell for name in grid.metrics)
        values = [_median(cell) for cell in cells]
        table.add_row(row.workload, str(row.n), *values)
    return table


def _median(cell: Cell | None) -> str:
    if cell is None:
        return ""
    median = quantity(cell.median.value, cell.unit)
    return f"{median} {give_or_take(cell.relative_spread)}".rstrip()


def _workload(
    workload: str, rows: Sequence[Row], grid: Grid, names: Mapping[str, str], *, wide: bool
) -> Group:
    metrics = [name for name in grid.metrics if any(row.entries[name].cell for row in rows)]
    table = Table(**PLAIN, padding=(0, 1, 0, 0))
    table.add_column("setting", no_wrap=True, min_width=max(map(len, names.values())) + 2)
    table.add_column("n", justify="right")
    for name in metrics:
        table.add_column(HEADINGS.get(name, name), no_wrap=True, min_width=28 if wide else 15)
    for row in rows:
        mark = "*" if row.is_reference else ""
        entries = [_entry(row.entries[name], wide=wide) for name in metrics]
        table.add_row(f" {names[row.setting]}{mark}", str(row.n), *entries)
    found = grid.limits(workload)
    for name, told in LIMITS.items():
        cells = [told(found[metric]) for metric in metrics]
        if any(cells):
            table.add_row(f" {name}", "", *cells, style="dim")
    return Group(Text(f"\n{workload}", style="bold"), table)


LIMITS: dict[str, Callable[[Limits], str]] = {
    SPREAD: lambda each: f"±{percents(*each.spread)}" if each.spread else "",
    MDE: lambda each: changes(*each.detectable) if each.detectable else "",
    NOISE: lambda each: change(each.noise_floor) if each.noise_floor else "",
}


def _entry(entry: Entry, *, wide: bool) -> Text:
    if entry.cell is None and entry.comparison is None:
        return Text("")
    median = quantity(entry.cell.median.value, entry.cell.unit) if entry.cell else NONE
    text = Text(f"{median:>7}")
    compared = entry.comparison
    if compared is None:
        return text
    said = f" {_compact(compared.ratio):>5}"
    if wide:
        known = compared.low is not None and compared.high is not None
        span = f"[{_percent(compared.low)},{_percent(compared.high)}]" if known else ""
        said += f" {span:<11}"
    return text.append(f"{said} {SYMBOLS[compared.verdict]}", style=COLOURS[compared.verdict])


def _compact(ratio: float | None) -> str:
    return change(ratio).replace(" %", "%")


def _percent(ratio: float | None) -> str:
    return NONE if ratio is None else f"{100 * (ratio - 1):+.0f}".replace("-", MINUS)


def run_records(runs: Sequence[RunSummary]) -> list[Record]:
    return [each.record() for each in runs]


def runs_table(runs: Sequence[RunSummary]) -> Table:
    """Show runs, one a row; below a broken one, why it cannot be read."""
    table = Table(**PLAIN)
    table.add_column("run", no_wrap=True)
    table.add_column("state")
    table.add_column("trials", justify="right")
    table.add_column("hosts")
    for each in runs:
        hosts = ", ".join(f"{host} {state}" for host, state in each.hosts.items())
        table.add_row(each.run, _state(each.state), str(each.trials), hosts or each.error)
    return table


def show_record(run: Run) -> Record:
    """Return a run's manifest with each host's trials by status, doubts and costs of probes."""
    found = doubts(run)
    overheads = costs.of_probes(tidy(run), setting_label(run.plan["reference"]))
    return {
        **run.manifest,
        "hosts": {
            host: {
                **entry,
                "trials": _counts(run, host),
                "doubts": [doubt_record(each) for each in found if each.host == host],
                "probe_costs": [each.record() for each in overheads if each.host == host],
                "probe_cost": costs.overhead([each for each in overheads if each.host == host]),
            }
            for host, entry in run.manifest["hosts"].items()
        },
    }


def doubt_record(doubt: Doubt) -> Record:
    return {each: getattr(doubt, each) for each in ("kind", "grade", "text", "remedy")}


def check_record(run: Run, found: Sequence[Doubt]) -> Record:
    """Return how far to trust each host's part of a run (`lab.doubts.check`)."""
    return {
        "run": run.name,
        "hosts": {
            host: {
                "grade": worst([each.grade for each in found if each.host == host]),
                "checked": [doubt_record(each) for each in found if each.host == host],
            }
            for host in run.rows
        },
    }


def check(run: Run, found: Sequence[Doubt]) -> Group:
    """Show how far to trust each host's part of a run, why, and what mends it."""
    return Group(*(_checked(run, host, [d for d in found if d.host == host]) for host in run.rows))


def _checked(run: Run, host: str, found: Sequence[Doubt]) -> Group:
    grade = worst([each.grade for each in found])
    title = Text(f"{host}, {run.name}: ", style="bold")
    table = Table(**PLAIN, show_header=False, padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for each in sorted(found, key=lambda each: -list(Grade).index(each.grade)):
        if each.grade is not Grade.FINE:
            reason = Text(each.text).append(f" \N{RIGHTWARDS ARROW} {each.remedy}", style="dim")
            table.add_row(Text(each.grade, style=GRADE_COLOURS[each.grade]), each.kind, reason)
    fine = ", ".join(each.kind for each in found if each.grade is Grade.FINE)
    table.add_row(Text(Grade.FINE, style=GRADE_COLOURS[Grade.FINE]), "", fine)
    return Group(title.append(grade, style=GRADE_COLOURS[grade]), table)


def show(run: Run) -> Group:
    """Show a run: what was planned, and for each host what came of it, doubts and facts."""
    record = show_record(run)
    head = Table(show_header=False, **PLAIN)
    head.add_column(style="dim")
    head.add_column(overflow="fold")
    head.add_row("run", run.name)
    head.add_row("state", _state(record["state"]))
    head.add_row("command", " ".join(record.get("command") or []))
    head.add_row("started", record.get("created_at"))
    head.add_row("ended", record.get("finished_at") or NONE)
    head.add_row("reference", setting_label(run.plan["reference"]))
    return Group(head, *(_host(run, host, entry) for host, entry in record["hosts"].items()))


def _host(run: Run, host: str, entry: Document) -> Group:
    plan = run.plan["hosts"].get(host, [])
    settings = len({setting_label(trial["setting"]) for trial in plan})
    workloads = len({trial["workload"]["name"] for trial in plan})
    blocks = len({trial["block"] for trial in plan if not trial["warmup"]})
    bare = any(not trial.get("probes", True) for trial in plan)
    doubled = any(trial.get("aa") for trial in plan)
    counts = ", ".join(f"{number} {status}" for status, number in entry["trials"].items())
    table = Table(show_header=False, **PLAIN)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    table.add_row("state", _state(entry["state"]))
    table.add_row("error", entry.get("error") or NONE)
    table.add_row(
        "planned",
        f"{len(plan)} trials: {_number(settings, 'setting')} x {_number(workloads, 'workload')} x "
        f"{_number(blocks, 'block')}{', the reference without probes' if bare else ''}"
        f"{', the reference twice' if doubled else ''}, and warm-ups",
    )
    table.add_row("trials", counts)
    for look in entry.get("looks", []):
        table.add_row("look", look["text"])
    if entry["probe_cost"]:
        table.add_row("overhead", entry["probe_cost"])
    for doubt in entry["doubts"]:
        style = GRADE_COLOURS[doubt["grade"]]
        table.add_row(doubt["grade"], Text(f"{doubt['kind']}: {doubt['text']}", style=style))
    for fact in facts(run.facts(host)):
        table.add_row(fact.name, fact.value)
    return Group(Text(f"\n{host}", style="bold"), Padding(table, (0, 0, 0, 2)))


def _number(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _counts(run: Run, host: str) -> dict[str, int]:
    """Count trials by status; `not run` has no row yet, `not needed` never gets one."""
    counts = Counter(row["status"] for row in run.rows[host])
    waiting = len(run.plan["hosts"].get(host, [])) - len(run.rows[host])
    entry = run.manifest["hosts"][host]
    stopped = entry["state"] == "complete" and "looks" in entry
    why = "not needed" if stopped else "not run"
    return dict(counts) | ({why: waiting} if waiting else {})


def _state(state: str) -> Text:
    return Text(state, style=STATE_COLOURS.get(state, "yellow"))
