"""How large a change of a series must be to count, and what says so: its noise, or the file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from lab.history.index import ARM
from lab.history.key import SeriesKey
from lab.labels import quantity
from lab.nightly.model import Criteria
from lab.stats import noise

OF_AN_ARM = ["host", "clock_class", "experiment", "workload", "metric"]
"""What an A/A arm speaks for: it runs at the reference, and its noise is that of all settings."""
ARMS = [*OF_AN_ARM, "night", *ARM]


@dataclass(frozen=True)
class Floor:
    """The least relative change that counts, and `why`."""

    share: float
    why: str

    @property
    def text(self) -> str:
        return f"{quantity(self.share, '1')} ({self.why})"


def arms(cells: pd.DataFrame) -> pd.DataFrame:
    """Leave of cells (`lab.history.index`) what A/A arms showed (columns ARMS), oldest first."""
    found: pd.DataFrame = cells.loc[cells[ARM[0]].notna(), ARMS]
    return found


def floors(
    keys: Iterable[SeriesKey], arms: pd.DataFrame, criteria: Criteria
) -> dict[SeriesKey, Floor]:
    """Find the floor of each series: the largest of what was asked for and what was measured.

    Measured is what the A/A arms of the last nights, as many as the rule's window holds, say of the
    series' host, workload and metric (`lab.stats.noise.floor`).
    """
    measured = {
        tuple(map(str, names)): _measured(runs.tail(criteria.rule.window))
        for names, runs in arms.groupby(OF_AN_ARM, sort=False)
    }
    asked = (
        Floor(criteria.rule.minimum_effect, "the least effect asked for"),
        Floor(criteria.noise_floor, "the noise floor asked for"),
    )
    return {key: _largest(asked, measured.get(_names(key))) for key in keys}


def _measured(runs: pd.DataFrame) -> Floor:
    ratio = noise.floor(runs.rename(columns=dict(zip(ARM, noise.SEEN, strict=True)))).floor
    count = len(runs)
    return Floor(ratio - 1, f"A/A arm of {count} night{'' if count == 1 else 's'}")


def _largest(asked: Iterable[Floor], measured: Floor | None) -> Floor:
    return max((*asked, *([measured] if measured else [])), key=lambda each: each.share)


def _names(key: SeriesKey) -> tuple[str, ...]:
    return tuple(getattr(key, name) for name in OF_AN_ARM)
