"""Every setting against the reference, host by host: the seam between tables and verdicts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np
import pandas as pd

from lab import metrics as registry
from lab.errors import UsageError
from lab.labels import UNPROBED, setting_label
from lab.metrics import PRIMARY, Metric
from lab.stats import power
from lab.stats.evidence import WARNINGS, Columns, How, examine
from lab.stats.family import adjusted
from lab.stats.interval import MIN_BLOCKS, RESAMPLES, SEED
from lab.stats.location import median_interval, spread
from lab.stats.model import Cell, Comparison, Verdict
from lab.stats.noise import Key, noise
from lab.stats.pairs import Pairs, pair
from lab.stats.power import ALPHA
from lab.stats.verdict import Evidence, Noise, weigh

MARGIN = 1.05
GROUP = ["run", "host", "architecture", "clock_class", "workload"]
SHOWN = (
    "log_ratio",
    "standard_error",
    "freedom",
    "p",
    "p_adjusted",
    "p_permutation",
    "p_equivalent",
    "detectable",
)
UNTESTED = dict.fromkeys((*SHOWN, "low", "high", "needed")) | {"family": 0, "warnings": ()}


def compare(
    trials: pd.DataFrame,
    reference: str | Mapping[str, int],
    *,
    metrics: Iterable[str] = PRIMARY,
    margin: float = MARGIN,
    seed: int = SEED,
    resamples: int = RESAMPLES,
    executor: Executor | None = None,
) -> list[Comparison]:
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
    return list(_compared(pairs, seen, label, wanted, margin, floors))


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
    nothing = np.full(pairs.n.size, np.nan)
    names = (
        "zero",
        "no_spread",
        "median",
        "reference_median",
        "boots",
        "freedom",
        "farthest",
        "p_boots",
    )
    seen = dict.fromkeys((*names, *SHOWN, *WARNINGS, "low", "high"), nothing) | seen
    # What cannot differ, or was not measured, is no part of a family.
    for name in ("p", *WARNINGS):
        seen[name] = seen[name].copy()
        seen[name][list(pairs.unmeasured)] = np.nan
    runs = pd.factorize(pairs.groups["run"])[0][pairs.group]
    order = np.argsort(runs, kind="stable")
    families = np.split(order, np.flatnonzero(np.diff(runs[order])) + 1)
    seen["family"], seen["p_adjusted"] = nothing.copy(), nothing.copy()
    for members in families:
        seen["family"][members] = np.count_nonzero(~np.isnan(seen["p"][members]))
        seen["p_adjusted"][members] = adjusted(seen["p"][members])
        for name in WARNINGS:
            seen[name][members] = adjusted(seen[name][members])
    # The first step of Benjamini and Hochberg, the hardest: what a lone true effect has to pass.
    alpha = ALPHA / np.maximum(seen["family"], 1)
    seen["detectable"] = nothing.copy()
    blur = np.array([_blur(each) for each in metrics])[pairs.metric]
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


def _blur(metric: Metric) -> float:
    """How far a log ratio may be off because both of its values are read from buckets."""
    return 2 * math.log1p(metric.resolution)


def _compared(
    pairs: Pairs,
    seen: Columns,
    reference: str,
    metrics: Sequence[Metric],
    margin: float,
    floors: Mapping[Key, Noise],
) -> Iterator[Comparison]:
    described = pairs.groups[GROUP].astype(object)
    groups = described.where(described.notna(), None).to_dict("records")
    which = zip(
        *(each.tolist() for each in (pairs.group, pairs.metric, pairs.setting, pairs.n)),
        zip(*(values.tolist() for values in seen.values()), strict=True),
        strict=True,
    )
    for position, (group, number, setting, n, values) in enumerate(which):
        metric, row = metrics[number], dict(zip(seen, values, strict=True))
        host, workload = groups[group]["host"], groups[group]["workload"]
        floor = floors.get((host, workload, metric.name))
        verdict, reason = pairs.unmeasured.get(position, (None, ""))
        fields = UNTESTED
        if not reason and n < MIN_BLOCKS:
            fields = UNTESTED | {"needed": MIN_BLOCKS}
        reason = reason or _obstacle(row, n)
        if not reason:
            fields, verdict, reason = _tested(row, metric, margin, floor)
        yield Comparison(
            **groups[group],
            metric=metric.name,
            unit=metric.unit,
            direction=metric.direction,
            setting=pairs.settings[setting],
            reference=reference,
            n=n,
            **(_described(row, n) | fields),
            verdict=verdict or Verdict.INCONCLUSIVE,
            reason=reason,
            margin=margin,
            noise_floor=floor.floor if floor else None,
        )


def _obstacle(row: Mapping[str, float], n: int) -> str:
    """Say why no ratio can be tested; nothing where one can."""
    if n < MIN_BLOCKS:
        return f"{n} blocks have both settings, and at least {MIN_BLOCKS} are needed"
    if row["zero"]:
        return "zero in some trials, so there is no ratio: see the difference"
    if row["no_spread"]:
        return "every block has the same ratio: without spread nothing can be tested"
    return ""


def _described(row: Mapping[str, float], n: int) -> dict[str, Any]:
    """Medians and difference, as far as there are values."""
    if not n:
        return dict.fromkeys(("median", "reference_median", "difference", "ratio")) | {"boots": 0}
    median, reference = row["median"], row["reference_median"]
    return {
        "median": median,
        "reference_median": reference,
        "difference": median - reference,
        "ratio": median / reference if median > 0 and reference > 0 else None,
        "boots": int(row["boots"]),
    }


def _tested(
    row: Mapping[str, float], metric: Metric, margin: float, noise: Noise | None
) -> tuple[dict[str, Any], Verdict, str]:
    """Fields of `TESTED`, verdict and reason; values read from buckets widen the interval."""
    blur = _blur(metric)
    ratio = math.exp(row["log_ratio"])
    interval = math.exp(row["low"] - blur), math.exp(row["high"] + blur)
    seen = Evidence(
        ratio=ratio,
        interval=interval,
        p_adjusted=row["p_adjusted"],
        p_permutation=row["p_permutation"],
        p_equivalent=row["p_equivalent"],
        p_boots=row["p_boots"],
        boots=int(row["boots"]),
        margin=margin,
        noise=noise,
    )
    verdict, reason = weigh(seen, metric.direction)
    open_still = verdict is Verdict.INCONCLUSIVE and not math.isnan(row["needed"])
    fields = {name: row[name] for name in SHOWN} | {
        "ratio": ratio,
        "low": interval[0],
        "high": interval[1],
        "family": int(row["family"]),
        "needed": int(row["needed"]) if open_still else None,
        "warnings": tuple(text for name, text in WARNINGS.items() if row[name] < ALPHA),
    }
    return fields, verdict, reason
