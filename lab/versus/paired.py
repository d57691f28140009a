"""Two settings of one run: trials of the same block are partners."""

from __future__ import annotations

from lab.stats import Comparison, Estimate
from lab.versus.model import Method, Row

REMARK = (
    "Settings share the blocks of their run and are compared within them; p values are corrected "
    "over all comparisons of the run, also those not shown here."
)


def row(compared: Comparison) -> Row:
    """Return a comparison of two settings as a row: the reference first."""
    return Row(
        method=Method.PAIRED,
        where=f"{compared.host}, {compared.run}",
        clock_class=compared.clock_class or "",
        workload=compared.workload,
        metric=compared.metric,
        unit=compared.unit,
        setting=compared.setting,
        reference=compared.reference,
        first=_median(compared, "reference_median", "reference_low", "reference_high"),
        second=_median(compared, "median", "median_low", "median_high"),
        spread_first=compared.reference_spread,
        spread_second=compared.spread,
        n_first=compared.n,
        n_second=compared.n,
        ratio=compared.ratio,
        low=compared.low,
        high=compared.high,
        p=compared.p,
        p_adjusted=compared.p_adjusted,
        family=compared.family,
        detectable=compared.detectable,
        verdict=str(compared.verdict),
        reason=compared.reason,
        noise_floor=compared.noise_floor,
        warnings=compared.warnings,
    )


def _median(compared: Comparison, *names: str) -> Estimate | None:
    """One side's median and its interval, by the names of their fields."""
    value, low, high = (getattr(compared, name) for name in names)
    return None if value is None else Estimate(value, low, high, compared.coverage)
