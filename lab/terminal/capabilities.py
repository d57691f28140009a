"""What hosts can do, side by side: a row for each capability, a column for each host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.labels import NONE

Answer = Mapping[str, Any]

LEVELS = {"hardware": "bare", "nested": "nested", "emulated": "emulated", "icount": "emulated"}
YES, NO = "yes", "no"
CLOCK = {
    "emulated": "an emulator's clock: nanoseconds tell what the emulator costs, not the CPU",
    "icount": "a clock of instructions: it tells the length of paths, not their speed",
}


@dataclass(frozen=True)
class Capability:
    """One row; `cells` are in the order of the hosts."""

    name: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Note:
    """Something to know of hosts before a sweep, why, and what mends it or says so."""

    hosts: tuple[str, ...]
    about: str
    text: str


def capabilities(answers: Mapping[str, Answer]) -> list[Capability]:
    """Return the table of hosts that answered; a cell of one that lacks the fact is a dash."""
    columns = [_column(answer) for answer in answers.values()]
    names = list(dict.fromkeys(name for column in columns for name in column))
    return [Capability(name, tuple(column.get(name, NONE) for column in columns)) for name in names]


def notes(answers: Mapping[str, Answer]) -> list[Note]:
    """Return what is not as it should be, each sentence once, with all hosts it holds for."""
    found: dict[tuple[str, str], list[str]] = {}
    for host, answer in answers.items():
        for about, text in _remarks(answer):
            found.setdefault((text, about), []).append(host)
    merged: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (text, about), hosts in found.items():
        merged.setdefault((text, tuple(hosts)), []).append(about)
    return [Note(hosts, ", ".join(about), text) for (text, hosts), about in merged.items()]


def blocked(answer: Answer) -> bool:
    """Tell whether nothing can run on this host."""
    return any(check["status"] == "missing" for check in answer["checks"])


def _column(answer: Answer) -> dict[str, str]:
    column = {"can run": NO if blocked(answer) else YES}
    if facts := answer["facts"]:
        column |= {
            "kernel": facts["kernel"],
            "architecture": facts["architecture"],
            "KVM flavour": facts["kvm"]["flavour"] or NO,
            "host level": _level(facts),
            "clock": facts["clock_class"],
        }
    if survey := answer.get("survey"):
        column |= _surveyed(survey)
    for knob in facts["knobs"] if facts else []:
        value = "" if knob["value"] is None else f" {knob['value']}"
        mark = " (!)" if knob["cautions"] else ""
        column[knob["knob"]] = f"{knob['status']}{value}{mark}"
    return column


def _level(facts: Mapping[str, Any]) -> str:
    level = LEVELS.get(facts["clock_class"], NONE)
    return f"{level} ({facts['hypervisor']})" if facts["hypervisor"] else level


def _surveyed(survey: Mapping[str, Any]) -> dict[str, str]:
    probed = survey["functions"]
    visible = sum(each["not_visible"] is None for each in probed)
    statistics = survey["statistics"]
    return {
        "BTF": ", ".join(survey["btf"]) or NO,
        **{kind: NO if trouble else YES for kind, trouble in survey["attach"].items()},
        "tracepoints of KVM": str(len(survey["tracepoints"])),
        "statistics of KVM": NONE if statistics is None else str(len(statistics)),
        "functions visible": f"{visible} of {len(probed)}",
        **{
            f"workload {name}": each["instruction"] or NO
            for name, each in survey["workloads"].items()
        },
    }


def _remarks(answer: Answer) -> list[tuple[str, str]]:
    facts, survey = answer["facts"], answer.get("survey")
    verdicts = {knob["knob"]: knob for knob in facts["knobs"]} if facts else {}
    remarks = [
        (check["check"], f"{check['detail']}; mend: {check['remedy']}")
        for check in answer["checks"]
        if check["status"] != "ok" and check["check"] not in verdicts
    ]
    for name, knob in verdicts.items():
        if knob["status"] != "ok":
            remarks.append((name, _sourced(f"{knob['status']}: {knob['reason']}", knob["source"])))
        remarks += [(name, _sourced(each["reason"], each["source"])) for each in knob["cautions"]]
    if facts and facts["clock_class"] in CLOCK:
        why = f"{CLOCK[facts['clock_class']]} ({facts['clock_class_reason']})"
        remarks.append(("clock", why))
    if survey:
        remarks += [(kind, why) for kind, why in survey["attach"].items() if why]
        remarks += [
            (each["function"], f"not visible, {each['not_visible']}")
            for each in survey["functions"]
            if each["not_visible"]
        ]
        remarks += [
            (f"workload {name}", each["reason"])
            for name, each in survey["workloads"].items()
            if each["reason"]
        ]
    return remarks


def _sourced(text: str, source: str | None) -> str:
    return f"{text} ({source})" if source else text
