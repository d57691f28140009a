"""What a night looks for and what it came to, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from lab.detect import Rule
from lab.errors import Exit
from lab.metrics import PRIMARY

DEFAULT = Rule()
NIGHTS = "nights"
"""Folder of the store with what the nights came to, a log for each configuration."""


@dataclass(frozen=True)
class Criteria:
    """Which metrics are watched and what counts as a change, as of `lab.detect`.

    `noise_floor` is the relative change that two runs of the same show, whatever was measured.
    """

    metrics: tuple[str, ...] = PRIMARY
    rule: Rule = DEFAULT
    noise_floor: float = 0.0

    def record(self) -> dict[str, Any]:
        """Fields as plain values, for the store."""
        rule = self.rule
        return {
            "metrics": list(self.metrics),
            "minimum_effect": rule.minimum_effect,
            "window": rule.window,
            "nights": rule.nights,
            "noise_floor": self.noise_floor,
        }

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Criteria:
        rule = Rule(record["minimum_effect"], record["window"], record["nights"])
        return cls(tuple(record["metrics"]), rule, record["noise_floor"])


class Kind(StrEnum):
    """What became of a night, the gravest first."""

    REGRESSION = "regression"
    FAILED = "failed"
    NOTHING_RAN = "nothing ran"
    INCONCLUSIVE = "inconclusive"
    QUIET = "quiet"


EXITS = {
    Kind.REGRESSION: Exit.REGRESSION,
    Kind.FAILED: Exit.FAILURE,
    Kind.NOTHING_RAN: Exit.NOTHING_TO_RUN,
    Kind.INCONCLUSIVE: Exit.INCONCLUSIVE,
    Kind.QUIET: Exit.OK,
}


@dataclass(frozen=True)
class Verdict:
    """One true sentence about a night, and what stands behind it.

    `runs` are those of the night, those that confirmed among them; `troubles` what could not
    run or be sent, a sentence each; `alerts` the ids of those that stand tonight.
    """

    night: str
    kind: Kind
    sentence: str
    runs: tuple[str, ...]
    alerts: tuple[str, ...]
    troubles: tuple[str, ...]

    @property
    def exit(self) -> Exit:
        return EXITS[self.kind]

    def record(self) -> dict[str, Any]:
        """Fields as plain values, for the store and JSON."""
        return asdict(self)

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Verdict:
        lists = {name: tuple(record[name]) for name in ("runs", "alerts", "troubles")}
        return cls(record["night"], Kind(record["kind"]), record["sentence"], **lists)
