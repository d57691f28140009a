"""The fleet side by side: what an experiment's settings do on each architecture, class by class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lab.across import title
from lab.history.runs import Published, fetch
from lab.history.store import Store
from lab.report.across import Group, groups
from lab.report.plots import advice
from lab.stats.architectures import UNKNOWN
from lab.store.layout import rows_file
from lab.store.read import read_run
from lab.summary import Summary, summarise

SEVERAL = 2


@dataclass(frozen=True)
class Member:
    """A host of the fleet and the last night that measured it."""

    host: str
    architecture: str
    clock_class: str
    night: str


@dataclass(frozen=True)
class Fleet:
    """The hosts that ran an experiment, each as its last night found it.

    `groups` has those that share a clock class with another; `alone` are the others, which
    nothing may be held against.
    """

    experiment: str
    members: Sequence[Member]
    groups: Sequence[Group]

    @property
    def alone(self) -> list[Member]:
        together = {each.comparable.clock_class for each in self.groups}
        return [each for each in self.members if each.clock_class not in together]


def latest(runs: Iterable[Published]) -> dict[str, dict[str, Published]]:
    """Find the last night's run that has rows of each host, by experiment; `runs` oldest first.

    Experiments that one host alone has run are left out.
    """
    found: dict[str, dict[str, Published]] = {}
    for run in runs:
        for host in run.conditions:
            if run.role == "night" and rows_file(Path(), host).name in run.files:
                found.setdefault(run.experiment, {})[host] = run
    return {name: hosts for name, hosts in sorted(found.items()) if len(hosts) >= SEVERAL}


def fleet(store: Store, experiment: str, last: dict[str, Published]) -> Fleet:
    """Compare the settings of each host in its run (`last`, by host), and put classes together."""
    members, summaries = [], []
    for run in {each.run: each for each in last.values()}.values():
        mine = sorted(host for host, its in last.items() if its.run == run.run)
        whole = summarise(read_run(fetch(store, run)))
        for host in mine:
            facts = whole.run.facts(host)
            architecture = title(facts.get("architecture") or UNKNOWN)
            clock_class = facts.get("clock_class") or UNKNOWN
            members.append(Member(host, architecture, clock_class, run.night))
        summaries.append(_of(whole, mine))
    classes = [each.clock_class for each in members]
    several = {each for each in classes if classes.count(each) >= SEVERAL}
    known = advice(summaries)
    names = {label: name for each in summaries for label, name in each.names.items()}
    together = [
        each
        for summary in summaries
        for each in summary.comparisons
        if (each.clock_class or UNKNOWN) in several
    ]
    return Fleet(experiment, sorted(members, key=_order), groups(together, known, names))


def _of(summary: Summary, hosts: Sequence[str]) -> Summary:
    """Leave some hosts of a run."""
    return replace(
        summary,
        trials=summary.trials[summary.trials["host"].isin(hosts)],
        comparisons=[each for each in summary.comparisons if each.host in hosts],
    )


def _order(member: Member) -> tuple[str, str, str]:
    return member.clock_class, member.architecture, member.host
