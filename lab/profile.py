"""Where the vCPUs' time went on one host and what they left the guest for, cell by cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lab import arch
from lab.arch import Architecture
from lab.labels import setting_label
from lab.metrics import HALT
from lab.stats import Cell
from lab.stats.compare import counted
from lab.store.layout import Document
from lab.summary import Summary
from lab.table import is_counted
from lab.trial import outcomes
from lab.trial.outcomes import Outcome
from lab.trial.phases import CLASSES, PHASES, UNATTRIBUTED


@dataclass(frozen=True)
class Times:
    """Share of each visible phase in the vCPUs' wall time: means over `n` trials; they sum to 1."""

    workload: str
    setting: str
    n: int
    shares: dict[str, float]


@dataclass(frozen=True)
class ExitClass:
    """Exits of one class in one cell; `natives` are the architecture's own names, commonest first.

    `p50` and `p99` are handling times, None where too few exits had one.
    """

    workload: str
    setting: str
    kind: str
    natives: tuple[str, ...]
    per_unit: Cell
    p50: Cell | None
    p99: Cell | None


@dataclass(frozen=True)
class Halts:
    """What the halts of one cell came to, over all its trials; each class says how it is known."""

    workload: str
    setting: str
    outcomes: dict[str, Outcome]


@dataclass(frozen=True)
class Profile:
    """One host's part. `hidden` maps what it cannot show to the reason the probes gave."""

    host: str
    architecture: Architecture | None
    times: tuple[Times, ...]
    exits: tuple[ExitClass, ...]
    halts: tuple[Halts, ...]
    functions: tuple[Document, ...]
    hidden: dict[str, str]

    @property
    def unseen(self) -> dict[str, str]:
        """What is not visible here, with the reason: phases, exits, halts, functions.

        What has the same reason stands together.
        """
        found = dict(self.hidden)
        for halts in self.halts:
            for name, each in halts.outcomes.items():
                if each.count is None:
                    found[f"halts of class {name}"] = each.how
        for function in self.functions:
            if function["not_visible"]:
                found[function["function"]] = function["not_visible"]
        together: dict[str, list[str]] = {}
        for name, reason in found.items():
            together.setdefault(reason, []).append(name)
        return {", ".join(names): reason for reason, names in together.items()}


def profile(summary: Summary, host: str) -> Profile:
    """Gather a host's part of a run; empty where no trial had the probe of phases."""
    plan = summary.run.plan["hosts"].get(host, [])
    workloads = list(dict.fromkeys(trial["workload"]["name"] for trial in plan))
    order = [(workload, setting) for workload in workloads for setting in summary.names]
    rows = [
        row
        for row in summary.run.rows[host]
        if row.get("guest") and row["status"] != "failed" and not row["warmup"]
    ]
    cells: dict[tuple[str, str], list[Document]] = {key: [] for key in order}
    for row in rows:
        if is_counted(row):
            cells[row["workload"]["name"], setting_label(row["setting"])].append(row)
    hidden: dict[str, str] = {}
    for row in rows:
        hidden |= (row.get("phases") or {}).get("not_visible", {})
    return Profile(
        host=host,
        architecture=arch.named(summary.run.facts(host).get("architecture")),
        times=tuple(_times(summary, host, order)),
        exits=tuple(_exits(summary, host, cells)),
        halts=tuple(_halts(cells)),
        functions=tuple(_functions(rows)),
        hidden=hidden,
    )


def _times(summary: Summary, host: str, order: Sequence[tuple[str, str]]) -> Iterator[Times]:
    trials = counted(summary.trials)
    names = {f"share_{phase}": phase for phase in (*PHASES, UNATTRIBUTED)}
    shares = trials[(trials["host"] == host) & trials["metric"].isin(names.keys())]
    for workload, setting in order:
        cell = shares[(shares["workload"] == workload) & (shares["setting"] == setting)]
        if len(cell):
            means = cell.groupby("metric")["value"].mean()
            found = {phase: float(means[name]) for name, phase in names.items() if name in means}
            yield Times(workload, setting, cell["trial"].nunique(), found)


def _exits(
    summary: Summary, host: str, cells: dict[tuple[str, str], list[Document]]
) -> Iterator[ExitClass]:
    known = {
        (cell.workload, cell.setting, cell.metric): cell
        for cell in summary.cells
        if cell.host == host
    }
    for (workload, setting), rows in cells.items():
        for kind in CLASSES:
            natives = Counter[str]()
            for row in rows:
                for each in (row.get("phases") or {}).get("exits", ()):
                    if each["class"] == kind:
                        natives[each["native"]] += each["count"]
            per_unit = known.get((workload, setting, f"exits_{kind}_per_unit"))
            if per_unit and natives.total():
                yield ExitClass(
                    workload,
                    setting,
                    kind,
                    tuple(name for name, _ in natives.most_common()),
                    per_unit,
                    known.get((workload, setting, f"handling_{kind}_p50_ns")),
                    known.get((workload, setting, f"handling_{kind}_p99_ns")),
                )


def _halts(cells: dict[tuple[str, str], list[Document]]) -> Iterator[Halts]:
    for (workload, setting), rows in cells.items():
        found = [outcomes.outcomes(row) for row in rows if row["workload"]["guest"] in HALT]
        if found:
            yield Halts(
                workload,
                setting,
                {name: _together([each[name] for each in found]) for name in outcomes.CLASSES},
            )


def _together(of_trials: Sequence[Outcome]) -> Outcome:
    """Sum the trials; a class that some trial cannot show is not visible in the cell."""
    for each in of_trials:
        if each.count is None:
            return each
    return Outcome(sum(each.count or 0 for each in of_trials), of_trials[0].how)


def _functions(rows: Sequence[Document]) -> Iterator[Document]:
    """Give each function that switches registers once, as the first trial that had it says."""
    seen = set()
    for row in rows:
        for each in (row.get("functions") or {}).get("functions", ()):
            if each["role"] == "fpu" and each["function"] not in seen:
                seen.add(each["function"])
                yield each
