"""What KVM shows on all architectures of a fleet, on some, or on one: counted.

Four kinds of things, by name: tracepoints, statistics, knobs, and functions (the interfaces of
probes/agent/survey.py). An architecture has what any of its hosts shows. An architecture none of
whose hosts could tell a kind takes no part in that kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lab.errors import UsageError

Answer = Mapping[str, Any]
"""What one host's `agent doctor` answers."""


def _knobs(answer: Answer) -> Iterable[str]:
    """Return module parameters under their own names, and what a VM can be told."""
    own = [k["knob"] for k in answer["facts"]["knobs"] if k["scope"] == "vm"]
    there = {k["knob"] for k in answer["facts"]["knobs"] if k["status"] != "missing"}
    return [*answer["facts"]["kvm"]["parameters"], *(name for name in own if name in there)]


KINDS: dict[str, Callable[[Answer], Iterable[str] | None]] = {
    "tracepoint": lambda answer: answer["survey"]["tracepoints"] or None,
    "statistic": lambda answer: answer["survey"]["statistics"],
    "knob": _knobs,
    "function": lambda answer: answer["survey"]["interfaces"] or None,
}


@dataclass(frozen=True)
class Thing:
    """A name and the architectures that have it, out of those that could tell."""

    kind: str
    name: str
    architectures: tuple[str, ...]
    told: int

    @property
    def spread(self) -> str:
        if len(self.architectures) == self.told:
            return "all"
        return "one" if len(self.architectures) == 1 else "some"


@dataclass(frozen=True)
class Count:
    """How many things of a kind (or of all) are on all, on some, or on one architecture."""

    kind: str
    everywhere: int
    some: int
    one: int

    @property
    def total(self) -> int:
        return self.everywhere + self.some + self.one

    @property
    def common_share(self) -> float:
        return self.everywhere / self.total if self.total else 0.0

    def record(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "total": self.total,
            "all": self.everywhere,
            "some": self.some,
            "one": self.one,
            "common_share": self.common_share,
        }


@dataclass(frozen=True)
class Commonality:
    """The matrix.

    `hosts` maps each host to its architecture; `untold` each kind to those who could not tell.
    """

    hosts: dict[str, str]
    things: tuple[Thing, ...]
    untold: dict[str, list[str]]

    @property
    def architectures(self) -> list[str]:
        return sorted(set(self.hosts.values()))

    @property
    def counts(self) -> list[Count]:
        """One for each kind, and one named `all` for them together."""
        whole = [_count("all", self.things)]
        return [_count(k, [t for t in self.things if t.kind == k]) for k in KINDS] + whole

    @property
    def sets(self) -> list[tuple[tuple[str, ...], dict[str, int]]]:
        """Sets of architectures that share things, the widest first, with how many by kind."""
        found: dict[tuple[str, ...], Counter[str]] = {}
        for thing in self.things:
            found.setdefault(thing.architectures, Counter())[thing.kind] += 1
        ordered = sorted(found.items(), key=lambda each: (-len(each[0]), -each[1].total(), each[0]))
        return [(who, dict(how_many)) for who, how_many in ordered]

    def record(self) -> dict[str, Any]:
        return {
            "hosts": self.hosts,
            "architectures": self.architectures,
            "counts": [count.record() for count in self.counts],
            "sets": [
                {"architectures": list(who), "counts": how_many} for who, how_many in self.sets
            ],
            "untold": self.untold,
            "things": [
                {
                    "kind": thing.kind,
                    "name": thing.name,
                    "spread": thing.spread,
                    "architectures": list(thing.architectures),
                }
                for thing in self.things
            ],
        }


def commonality(answers: Mapping[str, Answer]) -> Commonality:
    """Compare what the hosts showed; `answers` are by host, as `kvmlab doctor --json` prints them.

    Raises UsageError unless hosts of two architectures or more have been surveyed.
    """
    surveyed = {host: answer for host, answer in answers.items() if answer.get("survey")}
    hosts = {host: answer["facts"]["architecture"] for host, answer in surveyed.items()}
    if len(set(hosts.values())) < 2:  # noqa: PLR2004  (one has everything in common with itself)
        known = ", ".join(sorted(set(hosts.values()))) or "none"
        raise UsageError(
            f"commonality wants surveys of two architectures or more, and has {known}: name hosts "
            "with --hosts, or see `kvmlab doctor` for what keeps a host from its survey"
        )
    things: list[Thing] = []
    untold: dict[str, list[str]] = {}
    for kind, ask in KINDS.items():
        owners: dict[str, set[str]] = {}
        told = set()
        for host, answer in surveyed.items():
            names = ask(answer)
            if names is None:
                untold.setdefault(kind, []).append(host)
                continue
            told.add(hosts[host])
            for name in names:
                owners.setdefault(name, set()).add(hosts[host])
        things += [
            Thing(kind, name, tuple(sorted(who)), len(told)) for name, who in sorted(owners.items())
        ]
    return Commonality(hosts, tuple(things), untold)


def _count(kind: str, things: Iterable[Thing]) -> Count:
    spreads = Counter(thing.spread for thing in things)
    return Count(kind, spreads["all"], spreads["some"], spreads["one"])
