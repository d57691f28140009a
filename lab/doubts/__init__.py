"""How far to trust a run: every respect in which it was checked, by host."""

from __future__ import annotations

from lab.doubts import drift, host, processor, trials
from lab.doubts.model import Doubt, Finder, Grade, worst
from lab.store.read import Run

__all__ = ["FINDERS", "Doubt", "Grade", "check", "doubts", "worst"]

FINDERS: dict[str, Finder] = {
    "state": host.state,
    "clock": host.clock,
    "boots": host.boots,
    "not measured": trials.unmeasured,
    "not effective": trials.not_effective,
    "lost events": trials.lost,
    "cross-check": trials.cross_checked,
    "cut short": trials.cut_short,
    "lost requests": trials.lost_requests,
    "counter": trials.counter,
    "preemption": processor.preempted,
    "migration": processor.migrated,
    "steal": processor.stolen,
    "frequency": processor.frequency,
    "throttling": processor.throttled,
    "load": host.load,
    "other VMs": host.other_vms,
    "tuning": host.tuning,
    "drift": drift.drift,
    "two modes": drift.two_modes,
    "A/A": drift.equal_arms,
    "overhead": trials.overhead,
}


def check(run: Run) -> list[Doubt]:
    """Grade every host of a run in every respect; one without a finding is fine."""
    found = []
    for name, rows in run.rows.items():
        for kind, find in FINDERS.items():
            graded = [
                Doubt(name, kind, each.grade, each.text, each.remedy)
                for each in find(run, name, rows)
            ]
            found += graded or [Doubt(name, kind, Grade.FINE, "", "")]
    return found


def doubts(run: Run) -> list[Doubt]:
    """Everything about a run that a reader should know before believing it."""
    return [each for each in check(run) if each.grade in {Grade.DOUBT, Grade.DISTRUST}]
