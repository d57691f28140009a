"""Every setting against the reference, host by host: the seam between tables and verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lab import metrics as registry
from lab.errors import UsageError
from lab.labels import UNPROBED, knobs_of, setting_label
from lab.metrics import PRIMARY, Metric
from lab.stats import estimate
from lab.stats.estimate import MIN_BLOCKS, RESAMPLES, Floats
from lab.stats.model import Cell, Comparison, Verdict
from lab.stats.verdict import ALPHA, judge

SEED = 20181024
UNMEASURED = {"inert": Verdict.INERT, "missing": Verdict.MISSING}


def compare(
    trials: pd.DataFrame,
    reference: str | Mapping[str, int],
    *,
    metrics: Iterable[str] = PRIMARY,
    seed: int = SEED,
    resamples: int = RESAMPLES,
) -> list[Comparison]:
    """Compare every setting with `reference` on each run x host x workload x metric.

    `trials` is the tidy table of `lab.load`; warm-ups and trials without probes do not count.
    Hosts are never pooled. Trials are paired by block; p values are corrected together (Holm)
    within each run. A pair that cannot be compared is a row with the reason. Rows come in the
    order of host, workload, metric, setting.
    Raises UsageError for a reference that no trial has and for an unknown metric.
    """
    label = reference if isinstance(reference, str) else setting_label(reference)
    wanted = [_metric(name) for name in metrics]
    if label not in set(trials["setting"]):
        settings = "; ".join(sorted(set(trials["setting"])))
        raise UsageError(f"no trial has the reference setting {label}: there are {settings}")
    found = []
    for _, of_run in trials.groupby("run", sort=False):
        pairs = [
            pair
            for _, group in of_run.groupby(["host", "workload"], sort=False)
            for pair in _pairs(counted(group), label, wanted)
        ]
        found += _judged(pairs, seed, resamples)
    return found


def counted(trials: pd.DataFrame) -> pd.DataFrame:
    """Trials that settings are compared by: no warm-ups, none without probes, no A/A arm."""
    return trials[~trials["warmup"] & (trials["probes"] != UNPROBED) & ~trials["aa"]]


def cells(trials: pd.DataFrame, *, metrics: Iterable[str] = PRIMARY) -> list[Cell]:
    """Median over trials for each run x host x workload x metric x setting, with its interval."""
    wanted = counted(trials)
    wanted = wanted[wanted["metric"].isin(list(metrics))]
    keys = ["run", "host", "workload", "metric", "unit", "setting"]
    return [
        Cell(
            **{str(name): str(value) for name, value in values[keys].iloc[0].items()},
            n=len(values),
            median=estimate.median_interval(values["value"].to_numpy()),
        )
        for _, values in wanted.groupby(keys, sort=False)
    ]


@dataclass(frozen=True)
class _Pair:
    """A cell beside its reference: values by block where both have one, or why there are none."""

    blank: Comparison
    treated: Floats
    reference: Floats
    verdict: Verdict | None = None

    @property
    def log_ratios(self) -> Floats:
        ratios: Floats = np.log(self.treated) - np.log(self.reference)
        return ratios

    @property
    def obstacle(self) -> str | None:
        """Why no ratio can be tested."""
        if self.blank.reason:
            return self.blank.reason
        n = self.treated.size
        if n < MIN_BLOCKS:
            return f"{n} blocks have both settings, and at least {MIN_BLOCKS} are needed"
        if min(self.treated.min(), self.reference.min()) <= 0:
            return "zero in some trials, so there is no ratio: see the difference"
        if np.ptp(self.log_ratios) < estimate.NO_SPREAD:
            return "every block has the same ratio: without spread nothing can be tested"
        return None


def _metric(name: str) -> Metric:
    try:
        return registry.metric(name)
    except KeyError:
        names = ", ".join(each.name for each in registry.METRICS)
        raise UsageError(f"no metric {name!r}: there are {names}") from None


def _pairs(group: pd.DataFrame, reference: str, wanted: list[Metric]) -> Iterator[_Pair]:
    """Pairs of one host and workload."""
    if group.empty:
        return
    first = group.iloc[0]
    settings = [each for each in _in_knob_order(group) if each != reference]
    for metric in wanted:
        if first["guest"] not in metric.guests:
            continue
        by_setting = group[group["metric"] == metric.name].pivot_table(
            index="block", columns="setting", values="value", aggfunc="median"
        )
        for setting in settings:
            verdict, reason = _unmeasured(group, setting, reference, by_setting)
            both = by_setting.reindex(columns=[setting, reference]).dropna()
            blank = Comparison(
                run=first["run"],
                host=first["host"],
                architecture=_text(first["architecture"]),
                clock_class=_text(first["clock_class"]),
                workload=first["workload"],
                metric=metric.name,
                unit=metric.unit,
                direction=metric.direction,
                setting=setting,
                reference=reference,
                n=len(both),
                median=None,
                reference_median=None,
                difference=None,
                ratio=None,
                low=None,
                high=None,
                p=None,
                p_adjusted=None,
                family=0,
                detectable=None,
                verdict=verdict or Verdict.INCONCLUSIVE,
                reason=reason,
            )
            yield _Pair(
                blank, both[setting].to_numpy(float), both[reference].to_numpy(float), verdict
            )


def _in_knob_order(group: pd.DataFrame) -> list[str]:
    settings = group.drop_duplicates("setting").sort_values([*knobs_of(group.columns), "setting"])
    return list(settings["setting"])


def _unmeasured(
    group: pd.DataFrame, setting: str, reference: str, by_setting: pd.DataFrame
) -> tuple[Verdict | None, str]:
    """Say why a cell or its reference has no value or cannot differ; ("" when both may)."""
    for label, of_whom in ((setting, ""), (reference, "the reference: ")):
        if label in by_setting and by_setting[label].notna().any():
            inert = group[(group["setting"] == label) & (group["status"] == "inert")]
            if not inert.empty:
                return Verdict.INERT, str(inert["reason"].iloc[0])
            continue
        rows = group[group["setting"] == label].drop_duplicates("trial")
        bad = rows[rows["status"] != "ok"]
        if bad.empty:
            return None, of_whom + ("no trial has this metric" if len(rows) else "no trial yet")
        status = str(bad["status"].iloc[0])
        reason = _text(bad["reason"].iloc[0]) or "no reason was given"
        if status in UNMEASURED:
            return UNMEASURED[status], of_whom + reason
        return None, f"{of_whom}{len(bad)} of {len(rows)} trials failed: {reason}"
    return None, ""


def _judged(pairs: list[_Pair], seed: int, resamples: int) -> list[Comparison]:
    testable = [pair for pair in pairs if pair.obstacle is None]
    p_values = [estimate.paired_p(pair.log_ratios) for pair in testable]
    tests = iter(zip(p_values, estimate.holm(p_values), strict=True))
    found = []
    for pair in pairs:
        described = _described(pair)
        if pair.obstacle is None:
            described = replace(described, family=len(testable))
            found.append(_tested(described, pair, next(tests), seed, resamples))
        else:
            found.append(replace(described, reason=pair.obstacle))
    return found


def _described(pair: _Pair) -> Comparison:
    """Medians and difference, as far as there are values."""
    if not pair.treated.size:
        return pair.blank
    median, reference = float(np.median(pair.treated)), float(np.median(pair.reference))
    return replace(
        pair.blank,
        median=median,
        reference_median=reference,
        difference=median - reference,
        ratio=median / reference if median > 0 and reference > 0 else None,
    )


def _tested(
    described: Comparison,
    pair: _Pair,
    test: tuple[float, float],
    seed: int,
    resamples: int,
) -> Comparison:
    p, p_adjusted = test
    ratio = float(estimate.ratio_of_medians(pair.treated, pair.reference))
    interval = estimate.ratio_interval(pair.treated, pair.reference, seed, resamples)
    verdict, reason = judge(ratio, interval, p_adjusted, described.direction)
    return replace(
        described,
        ratio=ratio,
        low=interval[0],
        high=interval[1],
        p=p,
        p_adjusted=p_adjusted,
        # Holm's first step, the hardest: what a lone true effect of the family has to pass.
        detectable=estimate.detectable_ratio(pair.log_ratios, ALPHA / described.family),
        verdict=verdict,
        reason=reason,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
