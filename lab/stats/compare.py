"""Every setting against the reference, host by host: the seam between tables and verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor

import numpy as np
import pandas as pd

from lab import metrics as registry
from lab.errors import UsageError
from lab.labels import UNPROBED, setting_label
from lab.metrics import PRIMARY, Metric
from lab.stats import power
from lab.stats.comparisons import Comparisons
from lab.stats.evidence import WARNINGS, Columns, How, examine
from lab.stats.family import adjusted
from lab.stats.interval import RESAMPLES, SEED
from lab.stats.location import median_interval, spread
from lab.stats.model import Cell
from lab.stats.noise import noise
from lab.stats.pairs import Pairs, pair
from lab.stats.power import ALPHA

MARGIN = 1.05


def compare(
    trials: pd.DataFrame,
    reference: str | Mapping[str, int],
    *,
    metrics: Iterable[str] = PRIMARY,
    margin: float = MARGIN,
    seed: int = SEED,
    resamples: int = RESAMPLES,
    executor: Executor | None = None,
) -> Comparisons:
    """Compare every setting with `reference` on each run x host x workload x metric.

    `trials` is the tidy table of `lab.load`; only `counted` ones are compared, and the A/A arm
    gives the noise floor. Hosts are never pooled. Trials are paired by block; false discovery is
    controlled within each run. Ratios from 1 / `margin` to `margin` pass for equivalent. A pair
    that cannot be compared is a row with the reason. Rows come in the order of run, host,
    workload, metric, setting. Many pairs are shared out by `executor`, else by processes.
    Raises UsageError for a reference that no trial has, for an unknown metric and for a margin
    of 1 or less.
    """
    label = reference if isinstance(reference, str) else setting_label(reference)
    wanted = [_metric(name) for name in metrics]
    settings = trials["setting"].unique()
    if label not in settings:
        raise UsageError(
            f"no trial has the reference setting {label}: there are {'; '.join(sorted(settings))}"
        )
    if margin <= 1:
        raise UsageError(f"a margin of {margin:g} holds no ratio: give one above 1, such as 1.05")
    how = How(margin, seed, resamples)
    pairs = pair(trials, is_counted(trials), label, wanted)
    seen = _in_families(pairs, examine(pairs, how, executor), wanted, margin)
    floors = noise(trials, label, wanted, how, executor)
    return Comparisons.of(pairs, seen, label, wanted, margin, floors)


def is_counted(trials: pd.DataFrame) -> pd.Series[bool]:
    """Tell which trials settings are compared by, as `counted` gives them."""
    return ~trials["warmup"] & (trials["probes"] != UNPROBED) & ~trials["aa"]


def counted(trials: pd.DataFrame) -> pd.DataFrame:
    """Trials that settings are compared by: no warm-ups, none without probes, no A/A arm."""
    return trials[is_counted(trials)]


def cells(trials: pd.DataFrame, *, metrics: Iterable[str] = PRIMARY) -> list[Cell]:
    """Median and spread over trials for each run x host x workload x metric x setting."""
    wanted = counted(trials)
    wanted = wanted[wanted["metric"].isin(list(metrics))]
    keys = ["run", "host", "workload", "metric", "unit", "setting"]
    return [
        Cell(
            **{str(name): str(value) for name, value in values[keys].iloc[0].items()},
            n=len(values),
            median=median_interval(values["value"].to_numpy()),
            spread=spread(values["value"].to_numpy()),
        )
        for _, values in wanted.groupby(keys, sort=False)
    ]


def _metric(name: str) -> Metric:
    try:
        return registry.metric(name)
    except KeyError:
        names = ", ".join(each.name for each in registry.METRICS)
        raise UsageError(f"no metric {name!r}: there are {names}") from None


def _in_families(pairs: Pairs, seen: Columns, metrics: Sequence[Metric], margin: float) -> Columns:
    """Add what depends on the other comparisons of a run, and on how many there are."""
    # What cannot differ, or was not measured, is no part of a family.
    for name in ("p", *WARNINGS):
        seen[name][list(pairs.unmeasured)] = np.nan
    family = pd.factorize(pairs.groups["run"])[0][pairs.group]
    of_family = np.bincount(family, ~np.isnan(seen["p"]))
    seen["family"] = of_family[family].astype(float)
    seen["p_adjusted"] = adjusted(seen["p"], family)
    for name in WARNINGS:
        seen[name] = adjusted(seen[name], family)
    # The first step of Benjamini and Hochberg, the hardest: what a lone true effect has to pass.
    alpha = ALPHA / np.maximum(seen["family"], 1)
    seen["detectable"] = np.full(pairs.n.size, np.nan)
    blur = seen["blur"] = np.array([each.blur for each in metrics])[pairs.metric]
    for each in np.unique(alpha):
        for freedom in np.unique(seen["freedom"][alpha == each]):
            at = (alpha == each) & (seen["freedom"] == freedom)
            located, low, high, farthest, error = (
                seen[name][at]
                for name in ("log_ratio", "low", "high", "farthest", "standard_error")
            )
            seen["detectable"][at] = np.exp(
                power.detectable(
                    located - low, high - located, blur[at], farthest, error, freedom, each
                )
            )
    spread = seen["standard_error"] * np.sqrt(pairs.n)
    seen["needed"] = power.blocks(spread, np.log(margin), alpha)
    return seen
