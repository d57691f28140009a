"""From the store's series to what the judges see tonight, in the words of alerts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from lab import detect
from lab.alerts import Change, Point, Standing, host_class
from lab.alerts.cell import cell_of
from lab.detect.nights import summarise
from lab.history.breaks import Break, breaks
from lab.history.index import cells
from lab.history.key import SeriesKey
from lab.history.runs import Published, Role, published
from lab.history.series import Series, assembled
from lab.history.store import Store
from lab.nightly.floors import Floor, arms, floors
from lab.nightly.model import Criteria
from lab.stats.location import CONFIDENCE, median_interval
from lab.store.layout import MANIFEST, PLAN, Document

TREND = 60
"""Nights that an alert shows."""
FEW = 5
"""Nights below which a level has no scatter to speak of."""


@dataclass(frozen=True)
class Judged:
    """What is known of the series measured on a night.

    `found` are those with a finding; `silent` counts those of which nothing can be said, `reason`
    is that of one of them.
    """

    judgements: tuple[tuple[SeriesKey, detect.Judgement], ...]

    @property
    def found(self) -> list[tuple[SeriesKey, detect.Finding]]:
        return [(key, each.finding) for key, each in self.judgements if each.finding]

    @property
    def silent(self) -> list[str]:
        return [each.reason for _, each in self.judgements if each.reason]


@dataclass(frozen=True)
class History:
    """The store as it is on a night, read once; a context for `lab.alerts`."""

    store: Store
    night: str
    criteria: Criteria

    @cached_property
    def runs(self) -> list[Published]:
        return [run for run in published(self.store) if run.night <= self.night]

    @cached_property
    def series(self) -> dict[SeriesKey, Series]:
        """Series of the metrics that are watched."""
        return {each.key: each for each in assembled(self._nights, self.known)}

    @cached_property
    def floors(self) -> dict[SeriesKey, Floor]:
        """How large a change of each series must be to count."""
        return floors(self.series, self.arms, self.criteria)

    @cached_property
    def arms(self) -> pd.DataFrame:
        """What A/A arms showed, night by night, as of `lab.nightly.floors`."""
        return arms(self._nights)

    def judge(self) -> Judged:
        """Judge every series that was measured on this night, experiment by experiment."""
        nights, reruns = self.trials("night"), self.trials("confirm")
        judgements = []
        for name, history in nights.groupby("experiment"):
            more = reruns[reruns["experiment"] == name]
            for each in detect.judge(
                history,
                self.breaks(str(name)),
                noise_floor={
                    of_judges(key): floor.share
                    for key, floor in self.floors.items()
                    if key.experiment == name
                },
                rule=self.criteria.rule,
                reruns=None if more.empty else more,
            ):
                if each.night.isoformat() == self.night:
                    key = SeriesKey(experiment=str(name), **each.series._asdict())
                    judgements.append((key, each))
        return Judged(tuple(judgements))

    def change(self, key: SeriesKey, finding: detect.Finding) -> Change:
        """Say in the words of an alert what was found in a series."""
        mine = self.series[key]
        since = finding.since.isoformat()
        run = mine.runs[mine.nights.index(self.night)]
        ratio = finding.ratio
        low, high = ratio.low or ratio.value, ratio.high or ratio.value
        facts = self._document(run, MANIFEST)["hosts"][key.host]["facts"] or {}
        return Change(
            series=key,
            host_class=host_class(facts),
            kind="drift" if finding.kind is detect.Kind.DRIFT else "step",
            ratio=ratio.value,
            low=low,
            high=high,
            before=finding.baseline,
            after=finding.baseline * ratio.value,
            since=since,
            last_good=max(night for night in mine.nights if night < since),
            run=run,
            evidence=(
                f"{finding.after} nights against {finding.before} before them, "
                f"{CONFIDENCE:.0%} interval, p = {1 - finding.confidence:.2g}; "
                f"what counts begins at {self.floors[key].text}"
            ),
            cell=cell_of(self._document(run, PLAN), key),
            trend=tuple(points(mine)),
        )

    @cached_property
    def repeated(self) -> frozenset[SeriesKey]:
        """Series that this night ran again."""
        names = [field.name for field in fields(SeriesKey)]
        frame = self.trials("confirm")
        tonight = frame.loc[frame["night"] == self.night, names].drop_duplicates()
        return frozenset(SeriesKey(*row) for row in tonight.itertuples(index=False, name=None))

    def conditions(self, host: str, night: str) -> Mapping[str, str]:
        """Return the conditions that the runs of `night` were made under; empty without one."""
        found: dict[str, str] = {}
        for run in self.runs:
            if run.night == night and run.role == "night":
                found.update(run.conditions.get(host, {}))
        return found

    def standing(self, change: Change) -> Standing:
        """Hold tonight's level of a series against the nights before its change.

        The limit is half-way between the old level and the new one, on the log scale: GONE or
        STILL when a one-sided prediction interval of one night (Student's t, by the scatter of the
        old level's nights) leaves tonight no doubt on which side of it.
        """
        mine = self.series.get(change.series)
        if mine is None or mine.nights[-1] != self.night:
            return Standing.UNKNOWN
        values, _ = summarise(mine.trials)
        era = np.cumsum(mine.resets)
        before = np.array([night < change.since for night in mine.nights])
        level = values[before & (era == era[-1]) & np.isfinite(values)]
        level = level[-self.criteria.rule.window :]
        if level.size < FEW or not np.isfinite(values[-1]):
            return Standing.UNKNOWN
        towards = np.sign(np.log(change.ratio))
        moved = towards * (values[-1] - level.mean())
        error = level.std(ddof=1) * np.sqrt(1 + 1 / level.size)
        reach = stats.t.ppf(CONFIDENCE, level.size - 1) * error
        limit = abs(np.log(change.ratio)) / 2
        if moved + reach < limit:
            return Standing.GONE
        return Standing.STILL if moved - reach > limit else Standing.UNKNOWN

    def trials(self, role: Role) -> pd.DataFrame:
        """Return the trials of all runs of a role, one in a row, as `lab.detect` wants them."""
        found = self._nights if role == "night" else self._cells(role)
        return found.explode("trials").rename(columns={"trials": "value"}).astype({"value": float})

    def breaks(self, experiment: str) -> list[detect.Break]:
        """Return the breaks that begin series of an experiment anew."""
        return [
            detect.Break(
                night=date.fromisoformat(night),
                reason=each.text,
                host=each.host,
                workload=each.workload,
                metric=each.metric,
            )
            for each in self.known
            if each.restarts and each.experiment in {None, experiment}
            if (night := self._first(each))
        ]

    @cached_property
    def known(self) -> list[Break]:
        """All breaks that stand, oldest first."""
        return breaks(self.store)

    @cached_property
    def _nights(self) -> pd.DataFrame:
        return self._cells("night")

    def _cells(self, role: Role) -> pd.DataFrame:
        runs = [run for run in self.runs if run.role == role]
        return cells(self.store, runs, {"metric": self.criteria.metrics})

    def _first(self, known: Break) -> str | None:
        """Return the first night on the far side of a break; None when there is none yet."""
        return next(
            (run.night for run in self.runs if run.role == "night" and run.at >= known.since), None
        )

    def _document(self, run: str, name: str) -> Document:
        return self.store.read_json(f"runs/{run}/{name}")


def of_judges(key: SeriesKey) -> detect.Series:
    """Name a series as the judges of one experiment do."""
    return detect.Series(*(getattr(key, name) for name in detect.Series._fields))


def point(night: str, trials: NDArray[np.float64]) -> Point:
    """Sum a night's trials (n,) up as their median with its interval; NaN are left out."""
    median = median_interval(trials[np.isfinite(trials)])
    return Point(night, median.value, median.low, median.high)


def points(mine: Series) -> list[Point]:
    """Return the last nights of a series as far as an alert shows them."""
    nights = list(zip(mine.nights, mine.trials, strict=True))[-TREND:]
    return [point(night, trials) for night, trials in nights]
