"""How often what `lab.stats` says of synthetic experiments is true, beside what the field says.

    make calibrate        (python -m tests.benchmarks.calibrate)

writes results/calibration.md and results/calibration.png. Every figure is a share of experiments
whose truth is known (`worlds.py`), decided by the same functions that decide on a run: evidence,
families, verdict. `field.py` is what others do with the same trials.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from lab.executor import open_executor
from lab.metrics import Direction
from lab.paths import RESULTS
from lab.stats import series
from lab.stats.compare import MARGIN
from lab.stats.evidence import Columns, How, Work, described
from lab.stats.family import adjusted
from lab.stats.interval import MIN_BLOCKS, RESAMPLES, SEED
from lab.stats.location import Floats, hodges_lehmann
from lab.stats.pairs import Codes
from lab.stats.power import ALPHA, detectable, detectable_ratio
from lab.stats.verdict import TOWARDS, Evidence, Why, decide
from tests.benchmarks import calibration_report as report
from tests.benchmarks import field
from tests.benchmarks.worlds import NOISE, WORLDS

HOW = How(MARGIN, SEED, RESAMPLES)
BLOCKS = (3, 5, 6, 8, 10, 12, 20, 40)
EXPERIMENTS = 2000
FAMILY_BLOCKS, RUNS, SIZE = (6, 12), 2000, 40
BOOTS = [(k, n, between) for k, n in ((3, 12), (4, 12), (6, 24)) for between in (0, 0.5, 1, 2)]
WARNED_BLOCKS = (6, 12, 20)
CHANGED = (Why.BETTER, Why.WORSE)


@dataclass(frozen=True)
class Row:
    """Shares of `experiments` in one world with `n` blocks; None where nothing is claimed.

    `covered`: intervals that hold the truth. `alarms`: changes claimed where there is none.
    `equivalent`: claims of equivalence where the ratio is the margin itself; `missed`: of the
    equal settings at a margin of six standard errors, those not called so. `found`: effects of the
    printed detectable size that are found in the very run that printed it; `found_next`: in
    another run of the same kind; `foretold`: of the size that `kvmlab plan --power` says of that
    other run, with the first as its pilot. `width` is the median width of the interval, as a ratio.
    """

    world: str
    n: int
    experiments: int
    covered: float | None
    alarms: float
    equivalent: float
    found: float | None
    found_next: float | None
    foretold: float | None
    width: float | None
    t_test: float
    mann_whitney: float
    medians: float


def measure(world: str, n: int, experiments: int, seed: int = SEED) -> Row:
    """Simulate one world with `n` blocks a run."""
    rng = np.random.default_rng([seed, n, list(WORLDS).index(world)])
    treated, reference = WORLDS[world](rng, experiments, n)
    blank = Row(
        world,
        n,
        experiments,
        covered=None,
        alarms=0.0,
        equivalent=0.0,
        found=None,
        found_next=None,
        foretold=None,
        width=None,
        t_test=float(field.t_test_of_means(treated, reference).mean()),
        mann_whitney=float(field.mann_whitney_of_events(treated, reference).mean()),
        medians=float(field.medians_alone(treated, reference).mean()),
    )
    if n < MIN_BLOCKS:
        return blank
    seen = _seen(treated, reference)
    effect = _detectable(seen, n, ALPHA)
    foretold = np.log(detectable_ratio(1.0, n, pilot=n - 1)) * seen["standard_error"] * np.sqrt(n)
    again = WORLDS[world](rng, experiments, n)
    margin = float(np.exp(4 * np.median(seen["standard_error"])))
    at_margin = _seen(treated + np.log(margin), reference, replace(HOW, margin=margin))
    return replace(
        blank,
        covered=float(((seen["low"] <= 0) & (seen["high"] >= 0)).mean()),
        alarms=_share(_decided(seen), *CHANGED),
        equivalent=_share(_decided(at_margin, margin), Why.EQUIVALENT),
        found=_share(_decided(_seen(treated + effect[:, None], reference)), Why.WORSE),
        found_next=_share(_decided(_seen(again[0] + effect[:, None], again[1])), Why.WORSE),
        foretold=_share(_decided(_seen(again[0] + foretold[:, None], again[1])), Why.WORSE),
        width=float(np.exp(np.median(seen["high"] - seen["low"]))),
    )


def _seen(treated: Floats, reference: Floats, how: How = HOW, boots: int = 1) -> Columns:
    """Make evidence of logarithms of trials, in `boots` boots of equal size."""
    n = treated.shape[1]
    return described(
        Work(np.exp(treated), np.exp(reference), np.repeat(np.arange(boots), n // boots)), how
    )


def _decided(seen: Columns, margin: float = MARGIN, p_adjusted: Floats | None = None) -> Codes:
    """Decide on each experiment as the only one of its run, or by p values already adjusted."""
    size = seen["low"].size
    return decide(
        Evidence(
            ratio=np.exp(seen["log_ratio"]),
            low=np.exp(seen["low"]),
            high=np.exp(seen["high"]),
            p_adjusted=seen["p"] if p_adjusted is None else p_adjusted,
            p_permutation=seen["p_permutation"],
            p_equivalent=seen["p_equivalent"],
            p_boots=seen["p_boots"],
            boots=seen["boots"],
            floor=np.full(size, np.nan),
            margin=np.full(size, margin),
            towards=np.full(size, TOWARDS[Direction.LOWER]),
        )
    )


def _detectable(seen: Columns, n: int, alpha: float) -> Floats:
    below, above = seen["log_ratio"] - seen["low"], seen["high"] - seen["log_ratio"]
    blur = np.zeros_like(below)
    return detectable(below, above, blur, seen["farthest"], seen["standard_error"], n - 1, alpha)


def _share(decided: Codes, *among: Why) -> float:
    return float(np.isin(decided, among).mean())


@dataclass(frozen=True)
class FamilyRow:
    """Shares over runs that compare `size` settings in one world, half of them without effect.

    `found` is the mean share of false ones among claimed changes; `any_alarm` how many runs
    without any effect claim one; `uncorrected` the same, had nothing been corrected; `lone` how
    often an effect of the detectable size that the run prints is found when it is the only one.
    """

    world: str
    n: int
    runs: int
    size: int
    false: float
    any_alarm: float
    uncorrected: float
    lone: float


def measure_family(world: str, n: int, runs: int, size: int = SIZE, seed: int = SEED) -> FamilyRow:
    """Simulate whole runs; true effects are as large as what a lone test detects, both ways."""
    rng = np.random.default_rng([seed, n, size, list(WORLDS).index(world)])
    treated, reference = WORLDS[world](rng, runs * size, n)
    seen = _seen(treated, reference)
    claimed = _claims(seen, runs, size)
    alone = _decided(seen)
    effect = _detectable(seen, n, ALPHA).reshape(runs, size)
    effect[:, size // 2 :] = 0
    effect[:, : size // 4] *= -1
    shifted = _seen(treated + effect.reshape(-1, 1), reference)
    with_effects = _claims(shifted, runs, size)
    false = with_effects[:, size // 2 :].sum(axis=1)
    # One of each run has the effect that its own family leaves detectable.
    lone = np.zeros((runs, size))
    lone[:, 0] = _detectable(seen, n, ALPHA / size).reshape(runs, size)[:, 0]
    found = _claims(_seen(treated + lone.reshape(-1, 1), reference), runs, size)
    return FamilyRow(
        world,
        n,
        runs,
        size,
        false=float((false / np.maximum(with_effects.sum(axis=1), 1)).mean()),
        any_alarm=float(claimed.any(axis=1).mean()),
        uncorrected=float(np.isin(alone, CHANGED).reshape(runs, size).any(axis=1).mean()),
        lone=float(found[:, 0].mean()),
    )


def _claims(seen: Columns, runs: int, size: int) -> field.Claims:
    """Tell which settings of each run are said to differ: (runs, size)."""
    p_adjusted = adjusted(seen["p"], np.repeat(np.arange(runs), size))
    return np.isin(_decided(seen, p_adjusted=p_adjusted), CHANGED).reshape(runs, size)


@dataclass(frozen=True)
class BootRow:
    """Shares of intervals that hold the truth when each boot has an effect of its own.

    `between` is the spread of boots' effects by that of a block's log ratio. `two_stage` resamples
    boots, then their blocks, and takes plain percentiles; `blocks` knows nothing of boots.
    """

    boots: int
    n: int
    between: float
    experiments: int
    covered: float
    two_stage: float
    blocks: float


def measure_boots(
    boots: int, n: int, between: float, experiments: int, seed: int = SEED
) -> BootRow:
    """Simulate `boots` boots of n / boots blocks; the truth is the mean over all boots."""
    rng = np.random.default_rng([seed, boots, n])
    spread = NOISE * np.sqrt(2)
    luck = np.repeat(rng.normal(0, between * spread, (experiments, boots)), n // boots, axis=1)
    treated, reference = WORLDS["lognormal"](rng, experiments, n)
    seen, blind = _seen(treated + luck, reference, boots=boots), _seen(treated + luck, reference)
    return BootRow(
        boots,
        n,
        between,
        experiments,
        covered=_covered(seen["low"], seen["high"]),
        two_stage=_covered(*_two_stage(treated + luck - reference, boots, rng)),
        blocks=_covered(blind["low"], blind["high"]),
    )


def _covered(low: Floats, high: Floats) -> float:
    return float(((low <= 0) & (high >= 0)).mean())


def _two_stage(
    logs: Floats, boots: int, rng: np.random.Generator, resamples: int = 399
) -> tuple[Floats, Floats]:
    """Percentile bootstrap of boots, then of the blocks of each: the textbook's."""
    each = logs.shape[1] // boots
    drawn = rng.integers(0, boots, (resamples, boots, 1)) * each
    rows = (drawn + rng.integers(0, each, (resamples, boots, each))).reshape(resamples, -1)
    ends = [
        np.quantile(
            np.stack([hodges_lehmann(row) for row in some[:, rows]]), [0.025, 0.975], axis=1
        )
        for some in np.array_split(logs, max(len(logs) // 50, 1))
    ]
    low, high = np.concatenate(ends, axis=1)
    return low, high


@dataclass(frozen=True)
class WarningRow:
    """Shares of cells with a p value of at most 5 % and 1 %, for each kind of warning."""

    world: str
    n: int
    experiments: int
    shares: tuple[tuple[float, float], ...]


def measure_warnings(world: str, n: int, experiments: int, seed: int = SEED) -> WarningRow:
    """Look for drift and autocorrelation among log ratios, and for two modes among trials."""
    rng = np.random.default_rng([seed, n, list(WORLDS).index(world)])
    treated, reference = WORLDS[world](rng, experiments, n)
    ratios = treated - reference
    found = (
        series.drift_p(ratios),
        series.autocorrelation_p(ratios),
        series.bimodality_p(treated),
    )
    return WarningRow(
        world,
        n,
        experiments,
        tuple((float((p <= 0.05).mean()), float((p <= 0.01).mean())) for p in found),
    )


def main() -> None:
    start = time.monotonic()
    rows = [(world, n, EXPERIMENTS) for world in WORLDS for n in BLOCKS]
    families = [(world, n, RUNS) for world in WORLDS for n in FAMILY_BLOCKS]
    boots = [(*each, EXPERIMENTS) for each in BOOTS]
    warned = [(world, n, 10 * EXPERIMENTS) for world in WORLDS for n in WARNED_BLOCKS]
    with open_executor() as pool:
        work = (
            pool.map(partial(_star, measure), rows),
            pool.map(partial(_star, measure_family), families),
            pool.map(partial(_star, measure_boots), boots),
            pool.map(partial(_star, measure_warnings), warned),
        )
        of_one, of_runs, of_boots, of_warnings = (_told(each) for each in work)
    write(of_one, of_runs, of_boots, of_warnings, time.monotonic() - start)


def write(
    of_one: list[Row],
    of_runs: list[FamilyRow],
    of_boots: list[BootRow],
    of_warnings: list[WarningRow],
    seconds: float,
) -> None:
    """Write the document and the picture below results/."""
    head = report.HEAD.format(
        seconds=seconds,
        experiments=EXPERIMENTS,
        error=100 * np.sqrt(0.95 * 0.05 / EXPERIMENTS),
        wide=100 * np.sqrt(0.8 * 0.2 / EXPERIMENTS),
        events=field.EVENTS,
        gate=100 * (field.GATE - 1),
        least=MIN_BLOCKS,
    )
    (RESULTS / "calibration.md").write_text(
        head
        + report.of_rows(of_one)
        + report.FAMILIES.format(runs=of_runs[0].runs, size=SIZE)
        + report.of_families(of_runs)
        + report.BOOTS
        + report.of_boots(of_boots)
        + report.WARNINGS
        + report.of_warnings(of_warnings)
    )
    report.draw(of_one, RESULTS / "calibration.png")


def _star(function: Any, arguments: tuple[Any, ...]) -> Any:
    return function(*arguments)


def _told(rows: Iterable[Any]) -> list[Any]:
    found = []
    for row in rows:
        sys.stderr.write(f"{row}\n")
        found.append(row)
    return found


if __name__ == "__main__":
    main()
