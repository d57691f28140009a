"""Latency against CPU burned: which settings are worth having, and at what price.

On one host and workload, settings are points in the plane of latency and CPU. Which of them are on
the Pareto front is as uncertain as their medians: the blocks are resampled whole, so that luck
that a block's settings share moves no point past another. `lab.stats.choice` chooses among them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lab.labels import setting_of, setting_order
from lab.stats.compare import MARGIN, counted
from lab.stats.interval import MIN_BLOCKS, SEED
from lab.stats.location import CONFIDENCE, Floats
from lab.stats.model import Estimate

LATENCY, CPU = "wakeup_p50_ns", "cpu_share"
RESAMPLES = 4999


@dataclass(frozen=True)
class Point:
    """A setting in the plane of latency (ns) and CPU (share of one), medians over blocks.

    `saved` is the reference's latency less the setting's (ns), `burned` its CPU less the
    reference's (share): its price. `latency_ratio` and `cpu_ratio` are to the reference.
    `on_front` is the share of resamples of the blocks in which no other setting dominated it
    (`front`).
    """

    setting: str
    latency: float
    cpu: float
    latency_ratio: Estimate
    cpu_ratio: Estimate
    saved: Estimate
    burned: Estimate
    on_front: float


@dataclass(frozen=True)
class Tradeoff:
    """The settings of one host and workload, over the `n` blocks in which all were measured.

    `values` are latency and CPU: (2, n blocks, settings), settings in the order of `points` with
    the reference first; `blocks` are their numbers. `inert` is why the knob cannot act, if so.
    """

    run: str
    host: str
    architecture: str
    clock_class: str
    workload: str
    reference: str
    blocks: tuple[int, ...]
    points: tuple[Point, ...]
    values: Floats
    inert: str | None

    @property
    def n(self) -> int:
        return len(self.blocks)

    @property
    def settings(self) -> tuple[str, ...]:
        return tuple(each.setting for each in self.points)


def tradeoffs(
    trials: pd.DataFrame, reference: str, *, seed: int = SEED, resamples: int = RESAMPLES
) -> list[Tradeoff]:
    """Every host's and workload's settings in the plane of latency and CPU.

    `trials` is the tidy table of one run. A workload is left out that has not the reference and
    another setting together in MIN_BLOCKS blocks, or a value that is not positive.
    """
    # Warm-ups have no part in it, but they give the order of the plan.
    both = trials[trials["metric"].isin([LATENCY, CPU])]
    found = (
        _tradeoff(counted(group), reference, seed, resamples)
        for _, group in both.groupby(["host", "workload"], sort=False)
    )
    return [each for each in found if each]


def _tradeoff(group: pd.DataFrame, reference: str, seed: int, resamples: int) -> Tradeoff | None:
    table = group.pivot_table(
        index="block", columns=["metric", "setting"], values="value", aggfunc="median"
    )
    both = [name for name in (LATENCY, CPU) if name in table]
    settings = [
        setting
        for setting in set(group["setting"])
        if all(setting in table[name] and table[name][setting].notna().any() for name in both)
    ]
    if len(both) < 2 or reference not in settings or len(settings) < 2:  # noqa: PLR2004
        return None
    settings = [reference, *sorted(set(settings) - {reference}, key=_by_knob)]
    whole = table[[(name, setting) for name in both for setting in settings]].dropna()
    values = whole.to_numpy(float).reshape(len(whole), 2, len(settings)).swapaxes(0, 1)
    if len(whole) < MIN_BLOCKS or values.min() <= 0:
        return None
    first = group.iloc[0]
    inert = group[group["status"] == "inert"]
    return Tradeoff(
        run=first["run"],
        host=first["host"],
        architecture=first["architecture"],
        clock_class=first["clock_class"],
        workload=first["workload"],
        reference=reference,
        blocks=tuple(int(block) for block in whole.index),
        points=tuple(_points(values, settings, seed, resamples)),
        values=values,
        inert=None if inert.empty else str(inert["reason"].iloc[0]),
    )


def _by_knob(setting: str) -> tuple[tuple[str, int], ...]:
    return setting_order(setting_of(setting))


def _points(values: Floats, settings: Sequence[str], seed: int, resamples: int) -> Iterator[Point]:
    """Points of values (2, blocks, settings), the reference first; blocks are drawn whole."""
    drawn = np.random.default_rng(seed).integers(values.shape[1], size=(resamples, values.shape[1]))
    medians = np.median(values, axis=1)
    resampled = np.median(values[:, drawn, :], axis=2)
    on_front = front(*resampled).mean(axis=0)
    latency, cpu = medians
    for number, setting in enumerate(settings):
        spans = resampled[:, :, number]
        base = resampled[:, :, 0]
        yield Point(
            setting=setting,
            latency=float(latency[number]),
            cpu=float(cpu[number]),
            latency_ratio=_estimate(latency[number] / latency[0], spans[0] / base[0]),
            cpu_ratio=_estimate(cpu[number] / cpu[0], spans[1] / base[1]),
            saved=_estimate(latency[0] - latency[number], base[0] - spans[0]),
            burned=_estimate(cpu[number] - cpu[0], spans[1] - base[1]),
            on_front=float(on_front[number]),
        )


def front(latency: Floats, cpu: Floats, margin: float = MARGIN) -> NDArray[np.bool_]:
    """Which settings no other dominates, along the last axis of (…, settings).

    Less is better of both. One dominates another when it is as low in both, give or take a factor
    of `margin`, and lower by more than that in one: settings that do the same share the front, and
    luck decides among them no more than it must. With `margin` 1 this is the usual Pareto front.
    """
    ratios = [each[..., :, None] / each[..., None, :] for each in (latency, cpu)]
    no_worse = (ratios[0] <= margin) & (ratios[1] <= margin)
    better = (ratios[0] * margin < 1) | (ratios[1] * margin < 1)
    dominated = np.asarray((no_worse & better).any(axis=-2))
    return np.logical_not(dominated)


def _estimate(value: float, resampled: Floats) -> Estimate:
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(resampled, [tail, 100 - tail])
    return Estimate(float(value), float(low), float(high), CONFIDENCE)
