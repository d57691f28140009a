"""What was measured night after night, to narrow and to ask what changed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pandas as pd

from lab import detect
from lab.alerts.words import subject, unit_of
from lab.detect import Series
from lab.errors import UsageError
from lab.history.key import SeriesKey
from lab.history.runs import published
from lab.history.store import Store
from lab.labels import clock
from lab.metrics import PRIMARY
from lab.nightly.floors import ARMS, floors
from lab.nightly.judge import History, of_judges, point
from lab.nightly.model import Criteria
from lab.table import narrowed

if TYPE_CHECKING:
    from collections.abc import Collection

    import plotly.graph_objects as go

    from lab.detect import Judgement


@dataclass(frozen=True)
class Nights:
    """Trials of one experiment, and the `breaks` that no comparison crosses.

    `trials` has a row each: host, clock_class, setting, workload, metric, night, value (in the
    metric's unit). `arms` is what their A/A arms showed, as of `lab.nightly.floors`.
    """

    trials: pd.DataFrame
    breaks: tuple[detect.Break, ...] = ()
    experiment: str = ""
    arms: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=ARMS))

    def where(self, **conditions: object) -> Nights:
        """Keep rows whose columns have these values; a list, tuple or set means any of them.

        Raises UsageError for a column that does not exist.
        """
        return replace(self, trials=narrowed(self.trials, conditions))

    def until(self, night: str) -> Nights:
        """Return what was known when `night` (an ISO date) had been measured."""
        trials, arms = (
            frame[pd.to_datetime(frame["night"]) <= pd.Timestamp(night)].reset_index(drop=True)
            for frame in (self.trials, self.arms)
        )
        return replace(self, trials=trials, arms=arms)

    def judge(self, rule: detect.Rule | None = None, noise_floor: float = 0.0) -> pd.DataFrame:
        """Say what is known of each series on its last night, one row each.

        `state` is that of the finding, None without one; `ratio`, `low` and `high` are what
        followed by what was before, `since` the first night that differs. `detectable` is the
        smallest ratio that two nights would have shown, `reason` why nothing can be said.
        `floor` is the least relative change that counts: the rule's, `noise_floor`, or what the
        A/A arms show, whichever is largest.
        """
        criteria = Criteria(rule=rule or detect.Rule(), noise_floor=noise_floor)
        floors = self._floors(criteria)
        found = self._judged(criteria)
        return pd.DataFrame([_record(each, floors[name]) for name, each in found.items()])

    def plot(self, *, dark: bool = False) -> list[go.Figure]:
        """Draw each series: its nights, its levels before and since a change, its breaks."""
        from lab.report import trend  # noqa: PLC0415  (plotly is slow to import)
        from lab.report.theme import themed  # noqa: PLC0415

        drawn = []
        for series, judgement in self._judged(Criteria()).items():
            mine = self.where(**series._asdict()).trials.groupby("night")["value"]
            found = judgement.finding
            figure = trend.draw(
                [point(f"{night:%Y-%m-%d}", values.to_numpy()) for night, values in mine],
                f"<b>{subject(series.metric)}</b><br>{series.host}, {series.workload}, "
                f"{clock(series.clock_class)}<br>{series.setting}",
                unit_of(series.metric),
                trend.Moved.of(found) if found else None,
                [
                    trend.Mark(each.night.isoformat(), each.reason, is_alert=False)
                    for each in self.breaks
                    if each.concerns(series)
                ],
            )
            drawn.append(themed(figure, dark=dark))
        return drawn

    def _judged(self, criteria: Criteria) -> dict[Series, Judgement]:
        floors = self._floors(criteria)
        found = detect.judge(self.trials, self.breaks, noise_floor=floors, rule=criteria.rule)
        return {each.series: each for each in found}

    def _floors(self, criteria: Criteria) -> dict[Series, float]:
        names = self.trials[[*Series._fields]].drop_duplicates()
        keys = [
            SeriesKey(experiment=self.experiment, **each._asdict())
            for each in map(Series._make, names.itertuples(index=False, name=None))
        ]
        found = floors(keys, self.arms, criteria)
        return {of_judges(key): floor.share for key, floor in found.items()}


def nights(url: str, experiment: str, metrics: Collection[str] = PRIMARY) -> Nights:
    """Read the nights of an experiment from the store at `url`, a folder or what fsspec opens.

    Raises UsageError where there is no store, or none of its nights has the experiment.
    """
    store = Store.find(url)
    runs = published(store)
    last = max((run.night for run in runs), default="")
    history = History(store, last, Criteria(tuple(metrics)))
    trials = history.trials("night")
    mine = trials[trials["experiment"] == experiment]
    if mine.empty:
        known = ", ".join(sorted({run.experiment for run in runs})) or "nothing"
        raise UsageError(f"no night of {store.url} measured {experiment!r}: it has {known}")
    columns = [*Series._fields, "night", "value"]
    kept = mine[columns].assign(night=pd.to_datetime(mine["night"]))
    arms = history.arms[history.arms["experiment"] == experiment]
    breaks = tuple(history.breaks(experiment))
    return Nights(kept.reset_index(drop=True), breaks, experiment, arms)


def _record(judgement: Judgement, floor: float) -> dict[str, object]:
    found = judgement.finding
    return {
        **judgement.series._asdict(),
        "night": judgement.night.isoformat(),
        "state": found.state if found else None,
        "kind": found.kind if found else None,
        "since": found.since.isoformat() if found else None,
        "ratio": found.ratio.value if found else None,
        "low": found.ratio.low if found else None,
        "high": found.ratio.high if found else None,
        "detectable": judgement.detectable,
        "floor": floor,
        "reason": judgement.reason,
    }
