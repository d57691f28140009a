from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.meta_analysis import combine_effects

from lab.stats import meta

# Colditz et al., JAMA 271 (1994): trials of the BCG vaccine; tuberculosis yes and no among the
# vaccinated, then among the others.
BCG = np.array([
    (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619),
    (33, 5036, 47, 5761), (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892),
    (29, 7470, 45, 7232), (17, 1699, 65, 1600), (186, 50448, 141, 27197), (5, 2493, 3, 2338),
    (27, 16886, 29, 17825),
], dtype=float).T  # fmt: skip
SICK, WELL, SICK_OTHERS, WELL_OTHERS = BCG
EFFECTS = np.log(SICK / (SICK + WELL)) - np.log(SICK_OTHERS / (SICK_OTHERS + WELL_OTHERS))
VARIANCES = 1 / SICK - 1 / (SICK + WELL) + 1 / SICK_OTHERS - 1 / (SICK_OTHERS + WELL_OTHERS)

variances = st.floats(1e-4, 1.0)
studies = st.lists(st.tuples(st.floats(-3, 3), variances), min_size=2, max_size=8)


def test_it_is_the_published_example() -> None:
    """As metafor's `rma(yi, vi, data=dat, test="knha")` prints it, in the package's README."""
    tau2 = meta.reml(EFFECTS, VARIANCES)
    mean, error = meta.hartung_knapp(EFFECTS, VARIANCES, tau2)
    published = (-0.7145, 0.1808, -3.9522, 0.3132)
    assert (mean, error, mean / error, tau2) == pytest.approx(published, abs=6e-5)
    found = meta.combine(EFFECTS, VARIANCES)
    # Here trials differ by more than chance, and the floor lies far below.
    published = (0.0019, -1.1084, -0.3206, 152.2330)
    assert (found.p, found.low, found.high, found.q) == pytest.approx(published, abs=6e-5)
    assert (found.k, found.df) == (13, 12)


@pytest.mark.parametrize("method", ["dl", "iterated"])
def test_hartung_and_knapp_agree_with_statsmodels(method: str) -> None:
    """At the tau² of statsmodels, which has no REML."""
    theirs = combine_effects(EFFECTS, VARIANCES, method_re=method, use_t=True)
    mean, error = meta.hartung_knapp(EFFECTS, VARIANCES, theirs.tau2)
    assert mean == pytest.approx(theirs.mean_effect_re)
    assert error == pytest.approx(theirs.sd_eff_w_re_hksj)
    ours = meta.combine(EFFECTS, VARIANCES)
    assert ours.q == pytest.approx(theirs.q)
    assert ours.i2 == pytest.approx(theirs.i2)
    assert meta.hartung_knapp(EFFECTS, VARIANCES, theirs.tau2, 1.0)[1] == pytest.approx(
        max(theirs.sd_eff_w_re_hksj, theirs.sd_eff_w_re)
    )


def test_equal_variances_have_a_closed_form() -> None:
    effects = np.array([0.1, 0.5, 0.2, 0.9])
    assert meta.reml(effects, np.full(4, 0.01)) == pytest.approx(effects.var(ddof=1) - 0.01)
    assert meta.reml(effects, np.full(4, 1.0)) == 0


@given(studies)
def test_reml_is_the_top_of_its_likelihood(pairs: list[tuple[float, float]]) -> None:
    effects, spread = np.array(pairs).T
    tau2 = meta.reml(effects, spread)
    most = 1.0 + 4 * np.ptp(effects) ** 2
    grid = np.concatenate([[0.0], np.geomspace(1e-9, most, 2_000)])
    loss = meta._restricted_loss(np.append(grid, tau2), effects, spread)
    assert loss[-1] <= loss.min() + 1e-6


@given(studies)
def test_no_interval_is_narrower_than_the_normal_one(pairs: list[tuple[float, float]]) -> None:
    effects, spread = np.array(pairs).T
    found = meta.combine(effects, spread)
    error = 1 / np.sqrt(np.sum(1 / (spread + found.tau2)))
    assert found.high - found.low >= 2 * 1.9599 * error


def test_two_hosts_that_happen_to_agree_do_not_know_their_mean_exactly() -> None:
    effects, spread = np.array([0.3, 0.3 + 1e-9]), np.array([0.01, 0.01])
    assert meta.hartung_knapp(effects, spread, 0.0)[1] < 1e-8
    assert meta.combine(effects, spread).high == pytest.approx(0.3 + 1.95996 * np.sqrt(0.005))


def test_what_cannot_be_combined_is_refused() -> None:
    with pytest.raises(ValueError, match="two or more"):
        meta.combine(np.array([1.0]), np.array([1.0]))
    with pytest.raises(ValueError, match="not positive"):
        meta.combine(np.array([1.0, 2.0]), np.array([1.0, 0.0]))
