"""Doubts about time and chance: values that wander off, and equal arms that differ."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import stats

from lab.costs import SEEN_BY_GUEST
from lab.doubts.model import Found, Grade, Rows
from lab.labels import change, setting_label
from lab.stats import compare
from lab.stats.family import adjusted
from lab.stats.interval import MIN_BLOCKS
from lab.stats.power import ALPHA
from lab.stats.series import drift_p
from lab.store.read import Run
from lab.table import AA, tidy, with_aa_as_setting

SMALL, LARGE = 0.05, 0.20
"""Drift from the first to the last block, by the median: worth a doubt, and none any more."""


def drift(run: Run, host: str, rows: Rows) -> Iterator[Found]:
    """Look at the reference's trials, as the guest saw them, in the order of the blocks.

    Whether by `lab.stats.series.drift_p`, false discovery controlled over workloads; how far by the
    slope of Theil and Sen (Sen, JASA 63, 1968).
    """
    trials = tidy(Run(run.path, run.manifest, run.plan, {host: tuple(rows)}))
    at_reference = trials[
        trials["metric"].isin(SEEN_BY_GUEST)
        & (trials["setting"] == setting_label(run.plan["reference"]))
        & ~trials["warmup"]
        & ~trials["aa"]
        & (trials["status"] == "ok")
    ]
    series = {
        str(workload): group.sort_values("trial")["value"].to_numpy(float)
        for workload, group in at_reference.groupby("workload", sort=False)
    }
    series = {name: each for name, each in series.items() if each.size >= MIN_BLOCKS}
    if not series:
        few = f"fewer than {MIN_BLOCKS} trials of the reference cannot show a drift"
        yield Found(Grade.UNSEEN, few, "run more blocks")
        return
    p = np.concatenate([drift_p(each[np.newaxis]) for each in series.values()])
    for (workload, values), p_adjusted in zip(series.items(), adjusted(p), strict=True):
        slope = stats.theilslopes(values).slope
        moved = float(slope * (values.size - 1) / np.median(values))
        if p_adjusted < ALPHA and abs(moved) > SMALL:
            yield Found(
                Grade.DISTRUST if abs(moved) > LARGE else Grade.DOUBT,
                f"{workload} drifted by {change(1 + moved)} from the first trial to the last: "
                "blocks keep it out of comparisons, medians have it",
                "let the host warm up and settle, or look what grows on it",
            )


def equal_arms(run: Run, host: str, rows: Rows) -> Iterator[Found]:
    """Compare the A/A arm with the reference: what differs there is no setting's doing."""
    if not any(row.get("aa") for row in rows):
        yield Found(
            Grade.UNSEEN,
            "no second arm at the reference shows how far equal arms differ",
            "set aa = true in the experiment",
        )
        return
    reference = setting_label(run.plan["reference"])
    trials = with_aa_as_setting(tidy(Run(run.path, run.manifest, run.plan, {host: tuple(rows)})))
    both = trials[trials["setting"].isin([reference, AA])]
    for each in compare(both, reference) if reference in set(both["setting"]) else ():
        if each.p_adjusted is not None and each.p_adjusted < ALPHA:
            yield Found(
                Grade.DOUBT,
                f"two equal arms differ by {change(each.ratio)} in {each.metric} of "
                f"{each.workload} (adjusted p {each.p_adjusted:.2g}): changes of that size are "
                "not the settings'",
                "run again; if it stays, what differs between trials is no chance: look at the "
                "order of the plan",
            )
