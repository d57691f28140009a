"""Doubts about time and chance: values that wander off or apart, and equal arms that differ."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import stats

from lab.costs import SEEN_BY_GUEST
from lab.doubts.model import Found, Grade, Rows
from lab.labels import change, setting_label
from lab.stats import compare
from lab.stats.compare import counted
from lab.stats.family import adjusted
from lab.stats.interval import MIN_BLOCKS
from lab.stats.power import ALPHA
from lab.stats.series import MIN_MODES, bimodality_p, drift_p
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


def two_modes(run: Run, host: str, rows: Rows) -> Iterator[Found]:
    """Look at the trials of each cell, as the guest saw them, by `lab.stats.series.bimodality_p`.

    False discovery is controlled over the cells, also of runs with nothing to compare.
    """
    trials = counted(tidy(Run(run.path, run.manifest, run.plan, {host: tuple(rows)})))
    seen = trials[trials["metric"].isin(SEEN_BY_GUEST) & (trials["status"] == "ok")]
    cells = {
        f"{workload} at {setting}": group["value"].to_numpy(float)
        for (workload, setting), group in seen.groupby(["workload", "setting"], sort=False)
        if len(group) >= MIN_MODES
    }
    if not cells:
        few = f"fewer than {MIN_MODES} trials of a cell cannot show two kinds of trial"
        yield Found(Grade.UNSEEN, few, "run more blocks")
        return
    p = np.concatenate([bimodality_p(each[np.newaxis]) for each in cells.values()])
    for cell, p_adjusted in zip(cells, adjusted(p), strict=True):
        if p_adjusted < ALPHA:
            yield Found(
                Grade.DOUBT,
                f"trials of {cell} fall into two groups: a median between them is the value of "
                "neither",
                "look what differs from VM to VM: the CPU it ran on, its memory, what else ran",
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
