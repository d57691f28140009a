"""What other settings of halt polling would have done, as tables and figures (`lab.replay`)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from lab.replay import Knobs, Point, Surface, grid, surfaces, tuning
from lab.store.read import Run, read_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    import plotly.graph_objects as go

    from lab.replay.tuning import Choice


@dataclass(frozen=True)
class Simulation:
    """Every setting of a grid, replayed for each run, host and workload."""

    surfaces: tuple[Surface, ...]

    def settings(self) -> pd.DataFrame:
        """One row for each setting: the knobs, whether it is on the Pareto front, its prediction.

        A metric (`lab.replay.trial.METRICS`, in its unit) is a median over trials, its interval
        stands beside it as `…_low` and `…_high`.
        """
        return pd.DataFrame(
            [
                {
                    "run": surface.run,
                    "host": surface.host,
                    "clock_class": surface.clock_class,
                    "workload": surface.workload,
                    **asdict(point.knobs),
                    "on_front": point.on_front,
                    **_predicted(point),
                }
                for surface in self.surfaces
                for point in surface.points
            ]
        )

    def tune(self, *, budget_cpu: str | None = None, target_p99: str | None = None) -> pd.DataFrame:
        """Choose a setting for each workload, each host, and for hosts alike: one row each.

        Exactly one goal is given: `budget_cpu="2%"` of a CPU above never polling, for the least
        latency; or `target_p99="50us"`, for the least CPU. `sure`: it holds at the unfavourable end
        of every interval. Knobs are missing where no setting of the grid meets the goal.
        """
        found = [
            {"scope": each.scope, "sure": each.sure} | (asdict(each.knobs) if each.knobs else {})
            for each in self._choices(budget_cpu, target_p99)
        ]
        return pd.DataFrame(found)

    def plot(
        self,
        *,
        budget_cpu: str | None = None,
        target_p99: str | None = None,
        dark: bool = False,
    ) -> list[go.Figure]:
        """Draw what settings gain and cost; with a goal as for `tune`, its choice is marked."""
        from lab.report import replay  # noqa: PLC0415  (plotly is slow to import)
        from lab.report.theme import themed  # noqa: PLC0415

        wanted = budget_cpu or target_p99
        choices = self._choices(budget_cpu, target_p99) if wanted else []
        return [
            themed(multiple.figure, dark=dark)
            for picture in replay.pictures(self.surfaces, choices)
            for multiple in picture.multiples
        ]

    def _choices(self, budget_cpu: str | None, target_p99: str | None) -> list[Choice]:
        return tuning.choices(self.surfaces, tuning.goal(budget_cpu, target_p99))


def simulate(
    runs: Sequence[Run], grid_text: str, *, setting: str | None, closed: bool | None
) -> Simulation:
    """Replay the rows of `runs`; costs are learned from the whole runs on the disk."""
    parsed = grid.parse(grid_text)

    def settings(base: Knobs) -> list[Knobs]:
        return grid.settings(parsed, base)

    with ThreadPoolExecutor(1) as executor:
        found = [
            surface
            for run in runs
            for surface in surfaces(
                run,
                settings,
                executor,
                setting=setting,
                closed=closed,
                costs_of=read_run(run.path),
            )
        ]
    return Simulation(tuple(found))


def _predicted(point: Point) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, each in point.metrics.items():
        found |= {name: each.value, f"{name}_low": each.low, f"{name}_high": each.high}
    return found
