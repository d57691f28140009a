"""What a night came to, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from lab.errors import Exit


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
