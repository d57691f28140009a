"""What halts came to, in six classes, each with how it is known or why it is not visible.

| class | the guest halted, and |
| --- | --- |
| `not_trapped` | KVM never saw it: WFI without a trap, MWAIT in the guest |
| `vetoed` | there was a window, and the architecture forbade to poll (`kvm_arch_no_poll()`) |
| `no_poll` | there was no window: it slept at once, or the wake-up was there already |
| `hit` | it polled, and the poll saw the wake-up |
| `late_hit` | it polled to the end, and was woken before it slept |
| `miss` | it polled in vain, then slept |

Between a halt that traps and `kvm_vcpu_halt()` lies a check for a pending wake-up
(`kvm_vcpu_has_events()` and its kin), so trapped halts may exceed the sum of the last
five; the rest is no class of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.trial import phases

if TYPE_CHECKING:
    from lab.store.layout import Document

CLASSES = ("not_trapped", "vetoed", "no_poll", "hit", "late_hit", "miss")
VETOES = "halt_no_poll_steal"
"""Statistic of s390x: polls that were forbidden because the hypervisor below stole time."""


@dataclass(frozen=True)
class Outcome:
    """`count` halts of a trial; None where it is not visible. `how` says by what, or why not."""

    count: int | None
    how: str


def outcomes(row: Document) -> dict[str, Outcome]:
    """All six classes of a halting trial that was measured."""
    vetoed = _vetoed(row)
    return {"not_trapped": _not_trapped(row), "vetoed": vetoed} | _polled(row, vetoed.count or 0)


def _not_trapped(row: Document) -> Outcome:
    halted = phases.halts(row)
    trapped = phases.exits(row, "halt")
    by = "exits of class halt"
    if trapped is None:
        trapped, by = statistic(row, "halt_exits"), "KVM's halt_exits"
    if trapped is None:
        return Outcome(None, f"neither exits by class nor halt_exits are there: {_why(row)}")
    return Outcome(max(halted - trapped, 0), f"the guest's halts less {by}")


def _vetoed(row: Document) -> Outcome:
    steal = statistic(row, VETOES)
    if steal is not None:
        return Outcome(steal, f"KVM's {VETOES}")
    attempted = statistic(row, "halt_attempted_poll")
    probe = row.get("haltpoll")
    if attempted is None:
        return Outcome(None, "this KVM has no halt_attempted_poll to tell it by")
    if not probe or not probe["halts"]:
        return Outcome(None, "no wake-up was traced to tell it by")
    windows = sum(probe["outcomes"][name] for name in ("hit", "late_hit", "miss"))
    return Outcome(max(windows - attempted, 0), "halts with a window less KVM's polls begun")


def _polled(row: Document, vetoed: int) -> dict[str, Outcome]:
    probe = row.get("haltpoll")
    if probe and probe["halts"]:
        counted = probe["outcomes"]
        traced = "kvm_vcpu_wakeup and the vCPU's window"
        # A halt whose poll was forbidden looks like one that polled in vain: it slept.
        known = {name: counted[name] for name in ("hit", "late_hit")}
        known["miss"] = max(counted["miss"] - vetoed, 0)
        known["no_poll"] = counted["no_poll"] + counted["instant"]
        return {name: Outcome(known[name], traced) for name in CLASSES[2:]}
    trapped, attempted = phases.exits(row, "halt"), statistic(row, "halt_attempted_poll")
    if trapped and attempted == 0:
        never = Outcome(0, "KVM's statistics know of no poll")
        every = Outcome(trapped, "exits of class halt, and KVM's statistics know of no poll")
        return {name: every if name == "no_poll" else never for name in CLASSES[2:]}
    return {name: Outcome(None, "no wake-up was traced") for name in CLASSES[2:]}


def statistic(row: Document, name: str) -> int | None:
    """Sum of one of KVM's statistics over the vCPUs; None where this kernel has it not."""
    vcpus = (row["guest"].get("stats") or {}).get("vcpu") or []
    values = [vcpu.get(name) for vcpu in vcpus]
    return None if not values or None in values else sum(values)


def _why(row: Document) -> str:
    probe = row.get("phases")
    if not probe:
        return "the probe of phases was not on"
    hidden = probe["not_visible"]
    return str(hidden.get("halt") or hidden.get("handling") or "it saw none")
