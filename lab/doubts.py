"""Reasons to doubt a run, each a sentence, found in its rows and facts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lab import crosscheck
from lab.facts import cpu_count
from lab.labels import setting_label
from lab.store.layout import Document
from lab.store.read import Run

HARDWARE = "hardware"
OFTEN = 0.01
COUNTER_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Doubt:
    host: str
    kind: str
    text: str


def doubts(run: Run) -> list[Doubt]:
    """Everything about a run that a reader should know before believing it."""
    return [
        Doubt(host, kind, text)
        for host, rows in run.rows.items()
        for kind, find in FINDERS.items()
        for text in find(run, host, rows)
    ]


Rows = Sequence[Document]


def _state(run: Run, host: str, rows: Rows) -> Iterator[str]:
    entry = run.manifest["hosts"][host]
    planned = len(run.plan["hosts"].get(host, []))
    if entry["state"] != "complete":
        error = f": {entry['error']}" if entry.get("error") else ""
        yield f"the host is {entry['state']}, with {len(rows)} of {planned} trials{error}"


def _unmeasured(_run: Run, _host: str, rows: Rows) -> Iterator[str]:
    reasons = defaultdict(list)
    for row in rows:
        if row["status"] != "ok":
            reasons[row["status"], row.get("reason") or "no reason was given"].append(row)
    for (status, reason), group in reasons.items():
        settings = ", ".join(dict.fromkeys(setting_label(row["setting"]) for row in group))
        yield f"{_trials(group)} {status} ({settings}): {reason}"


def _clock(run: Run, host: str, _rows: Rows) -> Iterator[str]:
    facts = run.facts(host)
    clock = facts.get("clock_class")
    if facts and clock != HARDWARE:
        why = facts.get("clock_class_reason") or "no reason is recorded"
        yield (
            f"this host's clock class is {clock} ({why}): compare its settings with one another, "
            "never its nanoseconds with another host's"
        )


def _lost(_run: Run, _host: str, rows: Rows) -> Iterator[str]:
    losing = [row for row in rows if (row.get("haltpoll") or {}).get("lost")]
    if losing:
        lost = sum(row["haltpoll"]["lost"] for row in losing)
        yield (
            f"{lost} streamed events were lost in {_trials(losing)}: counts and sums are whole, "
            "the list of halts is not"
        )
    dropping = [row for row in rows if (row.get("phases") or {}).get("dropped")]
    if dropping:
        dropped = sum(row["phases"]["dropped"] for row in dropping)
        yield (
            f"{dropped} transitions of vCPUs found no room in {_trials(dropping)}: phases and "
            "exits lack them"
        )


def _crosscheck(_run: Run, _host: str, rows: Rows) -> Iterator[str]:
    yield from crosscheck.warnings(
        difference
        for row in rows
        if not row["warmup"]
        for difference in crosscheck.differences(row)
    )


def _preempted(_run: Run, _host: str, rows: Rows) -> Iterator[str]:
    often = [
        row
        for row in _measured(rows)
        if row["guest"]["switches"]["involuntary"] > OFTEN * max(row["guest"]["completed"], 1)
    ]
    if often:
        worst = max(often, key=lambda row: int(row["guest"]["switches"]["involuntary"]))
        switches, completed = worst["guest"]["switches"]["involuntary"], worst["guest"]["completed"]
        yield (
            f"other tasks took the vCPU's CPU in {_trials(often)}, at worst {switches} times in "
            f"{completed} samples (trial {worst['trial']}): keep the CPU free"
        )


def _stolen(_run: Run, _host: str, rows: Rows) -> Iterator[str]:
    stolen = [row for row in rows if (row.get("host_state") or {}).get("steal_ticks")]
    if stolen:
        ticks = sum(row["host_state"]["steal_ticks"] for row in stolen)
        yield f"a hypervisor below stole CPU time from {_trials(stolen)}, {ticks} ticks in all"


def _load(run: Run, host: str, _rows: Rows) -> Iterator[str]:
    facts = run.facts(host)
    load, cpus = facts.get("load_1m"), cpu_count(facts.get("cpus_online"))
    if load is not None and cpus and load > cpus / 2:
        yield f"the host was busy before the run: load {load:.1f} on {cpus} CPUs"
    if facts.get("foreign_vms"):
        yield f"{len(facts['foreign_vms'])} other VMs ran on the host and shared its knobs"


def _short(_run: Run, _host: str, rows: Rows) -> Iterator[str]:
    short = [
        row
        for row in _measured(rows)
        if row["guest"]["completed"] < row["guest"]["count"] and not _unanswered(row)
    ]
    if short:
        yield f"the guest stopped before its last sample in {_trials(short)}"


def _lost_requests(_run: Run, _host: str, rows: Rows) -> Iterator[str]:
    losing = [row for row in _measured(rows) if _unanswered(row)]
    if losing:
        sent = sum(row["guest"]["requests"]["sent"] for row in losing)
        yield (
            f"{sum(map(_unanswered, losing))} of {sent} requests had no reply in "
            f"{_trials(losing)}: they are no part of any round trip, so tails are longer than "
            "they look"
        )


def _unanswered(row: Document) -> int:
    return int(row["guest"].get("requests", {}).get("lost", 0))


def _not_effective(_run: Run, _host: str, rows: Rows) -> Iterator[str]:
    other = [
        row
        for row in _measured(rows)
        for knob, value in row["setting"].items()
        if (row.get("effective") or {}).get(knob) not in {None, value}
    ]
    if other:
        yield (
            f"{_trials(other)} read back another value than was set, first trial "
            f"{other[0]['trial']}: {setting_label(other[0]['effective'])}"
        )


def _counter(_run: Run, _host: str, rows: Rows) -> Iterator[str]:
    def off(row: Document) -> float:
        """Give the deviation from the nominal rate, as far as measuring it can be trusted."""
        counter = row["guest"].get("counter") or {}
        nominal, real = counter.get("nominal_hz"), counter.get("calibrated_hz")
        deviation = abs(real / nominal - 1) if nominal and real else 0.0
        return deviation if deviation > counter.get("error_bound", 0.0) else 0.0

    strange = [row for row in _measured(rows) if off(row) > COUNTER_TOLERANCE]
    if strange:
        worst = max(map(off, strange))
        yield (
            f"the guest's counter ran {100 * worst:.2g} % off the rate KVM states in "
            f"{_trials(strange)}, beyond what the measurement's own error explains"
        )


def _tuning(run: Run, host: str, _rows: Rows) -> Iterator[str]:
    for fact in run.facts(host).get("tuning", []):
        asked = f"{fact['tuning']}={fact['value']}"
        if fact["status"] != "ok":
            yield f"{asked} was asked for and is not in force: {fact['reason']}"
        elif fact["reason"]:
            yield f"{asked} is in force in part: {fact['reason']}"


def _overhead(_run: Run, _host: str, rows: Rows) -> Iterator[str]:
    if rows and all(row.get("probes", True) for row in rows):
        yield "what the probes themselves cost was not measured and is part of every value"


def _measured(rows: Rows) -> list[Document]:
    return [row for row in rows if row["status"] == "ok" and not row["warmup"] and row["guest"]]


def _trials(rows: Sequence[Document]) -> str:
    number = len({row["trial"] for row in rows})
    return "1 trial" if number == 1 else f"{number} trials"


FINDERS: dict[str, Callable[[Run, str, Rows], Iterator[str]]] = {
    "state": _state,
    "clock": _clock,
    "not measured": _unmeasured,
    "not effective": _not_effective,
    "lost events": _lost,
    "cross-check": _crosscheck,
    "preemption": _preempted,
    "steal": _stolen,
    "load": _load,
    "cut short": _short,
    "lost requests": _lost_requests,
    "counter": _counter,
    "tuning": _tuning,
    "overhead": _overhead,
}
