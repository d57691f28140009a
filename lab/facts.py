"""A host's facts as name and value, in the order a reader asks for them."""

from __future__ import annotations

from dataclasses import dataclass

from lab.labels import NONE
from lab.store.layout import Document

FIRST = (
    "hostname",
    "architecture",
    "cpu_model",
    "kernel",
    "distribution",
    "clock_class",
    "clock_class_reason",
    "hypervisor",
    "kvm",
    "cpus_online",
    "smt",
    "numa_nodes",
    "governor",
    "idle_driver",
    "clocksource",
    "microcode",
    "mitigations",
    "cpus",
    "knobs",
    "load_1m",
    "foreign_vms",
    "versions",
)


@dataclass(frozen=True)
class Fact:
    name: str
    value: str


def facts(document: Document) -> list[Fact]:
    """All facts of a host, the ones that explain results first; `null` is shown as a dash."""
    names = [name for name in FIRST if name in document]
    names += [name for name in document if name not in FIRST]
    return [fact for name in names for fact in _flat(name.replace("_", " "), document[name])]


def cpu_count(online: str | int | None) -> int | None:
    """Count the CPUs of a kernel list such as `0-3,8`; None where the fact was not read."""
    if not isinstance(online, str):
        return online
    edges = [part.partition("-") for part in online.split(",")]
    return sum(int(last or first) - int(first) + 1 for first, _, last in edges)


def _flat(name: str, value: object) -> list[Fact]:
    match value:
        case {"knob": knob, **rest}:
            return [Fact(str(knob), ", ".join(_text(each) for each in rest.values() if each))]
        case dict():
            return [f for key, each in value.items() for f in _flat(f"{name}: {key}", each)]
        case [dict(), *_]:
            return [fact for each in value for fact in _flat(name, each)]
        case _:
            return [Fact(name, _text(value))]


def _text(value: object) -> str:
    match value:
        case None | []:
            return NONE
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(str, value))
        case _:
            return str(value)
