"""What this host can do, found by doing it, and what mends what it cannot."""

from __future__ import annotations

import os
import platform
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Callable

from agent import arch, bpf, clock, facts, guest, haltpoll, knobs, linux, survey, tracepoint
from agent.errors import AgentError
from agent.journal import Journal
from agent.network import Network


def examine(home: Path, sysfs: Path) -> dict[str, Any]:
    """Return every check with its remedy, the host's facts, and its survey (null without bcc)."""
    checks: list[dict[str, Any]] = []

    def check(name: str, look: Callable[[], str], remedy: str, missing: str = "missing") -> None:
        try:
            checks.append({"check": name, "status": "ok", "detail": look(), "remedy": None})
        except (AgentError, OSError) as error:
            checks.append(
                {"check": name, "status": missing, "detail": str(error), "remedy": remedy}
            )

    catalog = knobs.catalog(sysfs)
    check("root", _root, "run as root, or set ansible_become in the inventory")
    check("compiler", partial(_compiler, home), "provision this host (gcc, make)")
    # Filled by the check that KVM opens; the clock's class and the facts need it after that.
    description: dict[str, Any] = {}
    check(
        "kvm", partial(_kvm, home, description), "load this CPU's KVM module, or allow nested KVM"
    )
    check("architecture", partial(_architecture, description), "add a module to probes/agent/arch")
    surveyed: dict[str, Any] = {}
    check(
        "bcc",
        partial(_survey, home, description, surveyed),
        "provision this host (bcc and kernel headers)",
    )
    for event in haltpoll.EVENTS:
        look = partial(_tracepoint, event)
        check(event.name, look, "load the kvm module of a kernel with tracepoints")
    check("network", _network, "provision this host (pyroute2)", "warning")
    for knob in catalog.values():
        check(knob.name, partial(_knob, knob), "its cells come out so, the rest runs", "warning")
    check("quiet", _quiet, "stop them, or pass --allow-foreign-vms", "warning")
    check("left as found", partial(_journal, home), "kvmlab restore", "warning")
    found = facts.collect(catalog, {}, description)
    return {"checks": checks, "facts": found, "survey": surveyed or None}


def _root() -> str:
    if os.geteuid():
        raise AgentError(f"the agent runs as uid {os.geteuid()}: KVM, tracefs and eBPF need root")
    return "uid 0"


def _architecture(description: dict[str, Any]) -> str:
    architecture = arch.of()
    if architecture is None:
        raise AgentError(f"{platform.machine()} has no module in agent/arch yet")
    clock_class, seen = clock.classify(architecture, description.get("turn_ns", []))
    flavour = architecture.flavour()
    return f"{platform.machine()}, KVM flavour {flavour}, clock class {clock_class} ({seen})"


def _compiler(home: Path) -> str:
    return f"the guest is built: {guest.build(home)}"


def _kvm(home: Path, description: dict[str, Any]) -> str:
    description.update(linux.describe(guest.build(home)))
    return f"/dev/kvm opens, API version {description['kvm_api_version']}"


def _survey(home: Path, description: dict[str, Any], surveyed: dict[str, Any]) -> str:
    headers = bpf.prepare(home)
    surveyed.update(survey.look(description.get("workloads", {})))
    works = [kind for kind, trouble in surveyed["attach"].items() if trouble is None]
    return f"bcc {bpf.version()}, headers {headers}; attaches {', '.join(works)}"


def _tracepoint(event: tracepoint.Event) -> str:
    found = tracepoint.read_fields(event)
    return ", ".join(f"{field.name}: {field.c_type}@{field.offset}" for field in found.values())


def _knob(knob: knobs.Knob) -> str:
    availability = knobs.applicability(knob)
    if availability.status != "ok":
        raise AgentError(f"{availability.status}: {availability.reason}")
    value = knob.show()
    return "can be set" if value is None else f"can be set, now {value}"


def _quiet() -> str:
    foreign = facts.foreign_vms()
    if foreign:
        raise AgentError(f"other VMs run here (pid {', '.join(map(str, foreign))})")
    return f"no other VMs, load {os.getloadavg()[0]:.2f}"


def _network() -> str:
    with closing(Network({})) as made:
        return f"a private network can be made, by pyroute2 {made.version}"


def _journal(home: Path) -> str:
    if Journal(home).path.exists():
        raise AgentError("a dead agent left knobs changed")
    return "nothing to undo"
