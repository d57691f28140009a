"""One cell of an experiment as an experiment of its own, and what its run says of a change."""

from __future__ import annotations

from math import sqrt

import tomli_w

from lab.alerts.model import Cell, Change
from lab.errors import Exit, UsageError
from lab.history.key import SeriesKey
from lab.labels import setting_label
from lab.store.layout import Document
from lab.store.read import Run

BLOCKS = 12
"""Fresh VMs in a repetition: the median's 95 % interval leaves out two at each end."""
BUDGET_S = 3600


def cell_of(plan: Document, series: SeriesKey) -> Cell:
    """Find the cell of a series in a run's plan; UsageError when the plan does not have it."""
    for trial in plan["hosts"].get(series.host, ()):
        probes = tuple(trial.get("probes", ("halts",)))
        names = (trial["workload"]["name"], setting_label(trial["setting"]))
        if probes and names == (series.workload, series.setting):
            return Cell(trial["workload"], trial["setting"], probes)
    raise UsageError(
        f"{plan['run']} has no cell {series.workload}, {series.setting} on {series.host}: "
        "name the run that measured it"
    )


def experiment(change: Change, alert: str) -> str:
    """Return the experiment file that measures one cell again, and nothing else."""
    cell = change.cell
    document = {
        "analysis": f"One cell of {change.series.experiment}, again: alert {alert} of kvmlab.\n",
        "seed": 1,
        "blocks": BLOCKS,
        "time_budget_s": BUDGET_S,
        "overhead": False,
        "probes": list(cell.probes),
        "knobs": {knob: [value] for knob, value in cell.setting.items()},
        "reference": dict(cell.setting),
        "workloads": [dict(cell.workload)],
    }
    return tomli_w.dumps(document)


def judge(run: Run, change: Change) -> tuple[Exit, str]:
    """Say whether a run shows the new level of a change or the old one, and with which numbers.

    The limit is half-way between both levels on the log scale. REGRESSION when the interval
    of the run's median is on the far side of it, OK when it is on the near side, INCONCLUSIVE
    when it holds the limit. The host may have another name: a bisection runs on a fleet of
    its own. Raises UsageError for a run without the cell, or of another clock class.
    """
    from lab.stats import cells  # noqa: PLC0415  (pandas and scipy are slow to import)
    from lab.table import tidy  # noqa: PLC0415

    series = change.series
    classes = {run.facts(host).get("clock_class") for host in run.rows}
    if classes != {series.clock_class}:
        raise UsageError(
            f"{run.name} was measured under clock class {', '.join(map(str, classes))}, "
            f"and the alert is of {series.clock_class}: they are not compared"
        )
    found = [
        each
        for each in cells(tidy(run), metrics=[series.metric])
        if (each.workload, each.setting) == (series.workload, series.setting)
    ]
    if len(found) != 1:
        raise UsageError(
            f"{run.name} has {len(found)} hosts with {series.metric} of {series.workload}, "
            f"{series.setting}: run the alert's cell.toml on one"
        )
    median = found[0].median
    limit = sqrt(change.before * change.after)
    numbers = f"{median.value:g} [{median.low} … {median.high}], limit {limit:g} {found[0].unit}"
    if median.low is None or median.high is None:
        return Exit.INCONCLUSIVE, f"too few trials for an interval: {numbers}"
    below, above = median.high < limit, median.low > limit
    if not (below or above):
        return Exit.INCONCLUSIVE, f"neither the old level nor the new one: {numbers}"
    if above is (change.direction == "up"):
        return Exit.REGRESSION, f"at the new level: {numbers}"
    return Exit.OK, f"at the old level: {numbers}"
