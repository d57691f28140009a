"""Every kernel's halt polling, a module each, named after where it was read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.errors import UsageError
from lab.replay.algorithms.cpuidle_haltpoll import CPUIDLE_HALTPOLL
from lab.replay.algorithms.generic import GENERIC
from lab.replay.algorithms.generic_4_19 import GENERIC_4_19
from lab.replay.algorithms.generic_5_1 import GENERIC_5_1
from lab.replay.algorithms.model import CLEAR, GROW, KEEP, SHRINK, U32, Algorithm, Knobs
from lab.replay.algorithms.none import NONE
from lab.replay.algorithms.vcore import VCORE

if TYPE_CHECKING:
    from lab.store.layout import Document

__all__ = ["ALGORITHMS", "CLEAR", "GENERIC", "GROW", "KEEP", "NONE", "SHRINK", "U32", "Algorithm"]
__all__ += ["Knobs", "algorithm", "of_host"]

ALGORITHMS = {
    each.name: each for each in (GENERIC, GENERIC_5_1, GENERIC_4_19, VCORE, NONE, CPUIDLE_HALTPOLL)
}
FIRST_STEP = "kvm.halt_poll_ns_grow_start"


def algorithm(name: str) -> Algorithm:
    """Return the algorithm of that name, or raise UsageError."""
    if name not in ALGORITHMS:
        raise UsageError(f"no algorithm {name!r}: there are {', '.join(ALGORITHMS)}")
    return ALGORITHMS[name]


def of_host(facts: Document) -> Algorithm:
    """Tell from a host's facts which algorithm its KVM follows, by features and not by version.

    Linux 5.1 to 5.14 cannot be told from later ones by a feature; they are replayed as later ones,
    whose windows differ only below `grow_start`.
    """
    kvm = facts.get("kvm") or {}
    ceilings = [each for each in facts.get("knobs") or () if each["knob"].endswith(".halt_poll_ns")]
    if ceilings and all(each["status"] == "inert" for each in ceilings):
        return NONE
    for each in ALGORITHMS.values():
        if kvm.get("flavour") in each.flavours:
            return each
    return GENERIC if FIRST_STEP in (kvm.get("parameters") or {FIRST_STEP}) else GENERIC_4_19
