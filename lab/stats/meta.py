"""Effects of several hosts as one: random effects by REML, interval by Hartung and Knapp.

Plain arrays in, numbers out; what an effect is of, `lab.stats.architectures` knows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from lab.stats.location import CONFIDENCE, Floats

GRID = 64


@dataclass(frozen=True)
class Combined:
    """The mean of k effects, each of which may differ from it by more than its own error.

    `standard_error` is of `effect`, with `df` degrees of freedom; `low` and `high` are the ends
    of its 95 % interval and `p` is against 0. `tau2` is the variance of true effects between
    studies, `q` Cochran's Q with `p_heterogeneity` against k - 1 degrees of freedom, and `i2`
    the share of spread that chance alone does not explain, max(0, (Q - (k - 1)) / Q) (Higgins
    and Thompson, Statistics in Medicine 21, 2002).
    """

    k: int
    effect: float
    standard_error: float
    df: int
    low: float
    high: float
    p: float
    tau2: float
    i2: float
    q: float
    p_heterogeneity: float


def combine(effects: Floats, variances: Floats) -> Combined:
    """Combine effects (k,) with their sampling variances (k,), k >= 2, by random effects.

    tau² is by REML (`reml`), the interval by Hartung and Knapp (`hartung_knapp`, `narrowest`).
    Raises ValueError for fewer than two effects and for a variance that is not positive.
    """
    if effects.size < 2 or effects.shape != variances.shape:  # noqa: PLR2004
        raise ValueError(f"{effects.size} effects, {variances.size} variances: two or more of each")
    if not (variances > 0).all():
        raise ValueError("a variance that is not positive weighs infinitely much")
    tau2 = reml(effects, variances)
    mean, error = hartung_knapp(effects, variances, tau2, narrowest(effects.size))
    df = effects.size - 1
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, df)) * error
    q = cochran_q(effects, variances)
    return Combined(
        k=effects.size,
        effect=mean,
        standard_error=error,
        df=df,
        low=mean - half,
        high=mean + half,
        p=float(2 * stats.t.sf(abs(mean) / error, df)),
        tau2=tau2,
        i2=max(0.0, 1 - df / q) if q else 0.0,
        q=q,
        p_heterogeneity=float(stats.chi2.sf(q, df)),
    )


def reml(effects: Floats, variances: Floats) -> float:
    """Variance of true effects between studies, by restricted maximum likelihood.

    Viechtbauer, Bias and efficiency of meta-analytic variance estimators in the random-effects
    model, J. Educational and Behavioral Statistics 30 (2005), equation 13 is its score. The
    likelihood can have two humps, so a grid finds the highest, and a search from there its top.
    """
    most = float(np.ptp(effects)) ** 2
    if not most:
        return 0.0
    grid = np.concatenate([[0.0], np.geomspace(1e-8 * most, most, GRID)])
    loss = _restricted_loss(grid, effects, variances)
    best = int(np.argmin(loss))
    if best == 0:
        return 0.0
    found = optimize.minimize_scalar(
        lambda tau2: float(_restricted_loss(np.array([tau2]), effects, variances)[0]),
        bounds=(grid[best - 1], grid[min(best + 1, GRID)]),
        method="bounded",
        options={"xatol": 1e-9 * most},
    )
    return float(found.x)


def hartung_knapp(
    effects: Floats, variances: Floats, tau2: float, floor: float = 0.0
) -> tuple[float, float]:
    """Weighted mean and its standard error, for a t distribution with k - 1 degrees of freedom.

    Hartung and Knapp, Statistics in Medicine 20 (2001): the usual variance 1 / sum(w), with
    w = 1 / (variance + tau²), times q = sum(w (effect - mean)²) / (k - 1), but no q below `floor`.
    """
    weights = 1 / (variances + tau2)
    mean = float(np.average(effects, weights=weights))
    q = float(np.sum(weights * (effects - mean) ** 2)) / (effects.size - 1)
    return mean, float(np.sqrt(max(q, floor) / weights.sum()))


def narrowest(k: int) -> float:
    """Smallest q of `hartung_knapp` that is believed of k effects.

    By luck q can be near 0, and two hosts that happen to agree would know their mean exactly. With
    this floor no interval is narrower than the normal quantile would make it (the "residual
    concern" of Jackson et al., Statistics in Medicine 36, 2017). A floor of 1 (Knapp and Hartung,
    Statistics in Medicine 22, 2003) is safer than it need be: with two or three hosts that hardly
    differ its intervals cover 99.5 % and more. results/pooling.md has the measurements.
    """
    tail = (1 + CONFIDENCE) / 2
    return float((stats.norm.ppf(tail) / stats.t.ppf(tail, k - 1)) ** 2)


def cochran_q(effects: Floats, variances: Floats) -> float:
    """Weighted squared distance of effects (k,) from their mean: chi² with k - 1 if all are one."""
    weights = 1 / variances
    return float(np.sum(weights * (effects - np.average(effects, weights=weights)) ** 2))


def _restricted_loss(tau2: Floats, effects: Floats, variances: Floats) -> Floats:
    """Minus twice the restricted log likelihood, but for a constant, at each tau² (m,)."""
    weights = 1 / (variances + tau2[:, None])
    total = weights.sum(axis=1)
    mean = (weights @ effects) / total
    residuals = weights * (effects - mean[:, None]) ** 2
    loss: Floats = -np.log(weights).sum(axis=1) + np.log(total) + residuals.sum(axis=1)
    return loss
