"""How well the replay predicts what was measured: the tables and the picture of results/replay.md.

    python -m tests.benchmarks.replay_accuracy [RUN ...]

Runs are recorded ones. Every setting is predicted from every other; errors are medians over trials
against medians over trials. The second table shows, for each setting, the prediction from one
other: from the reference, and of the reference from the lowest ceiling. Without a RUN, those of
results/replay.md are taken, and results/replay.png is drawn from the first.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from lab.labels import NONE, quantity, setting_label
from lab.paths import RESULTS
from lab.replay.tables import COLUMNS, error
from lab.replay.validate import CHECKED, Check, validate
from lab.report.validation import render
from lab.store.read import read_run
from tests.benchmarks.photograph import photograph

RUNS = ("20261123-032244-halt_poll_brief", "20261123-112650-replay_check")
SIZE = 1240, 900
EMPTY = f"{NONE} | {NONE}"
SHOWN = ("poll_hit_rate", "wakeup_p50_ns", "cpu_ns_per_wakeup")


def errors(checks: Sequence[Check]) -> Iterator[tuple[str, ...]]:
    yield "workload", "metric", "pairs", "typical error", "largest error", "intervals meet"

    def key(check: Check) -> tuple[str, int]:
        return check.workload, CHECKED.index(check.metric)

    for (workload, metric), found in groupby(sorted(checks, key=key), key):
        pairs = list(found)
        sizes = [abs(error(each)) for each in pairs]
        unit = "points" if pairs[0].unit == "1" else "%"
        told = [f"{size:.1f} {unit}" for size in (float(np.median(sizes)), max(sizes))]
        meet = sum(each.overlap for each in pairs)
        yield workload, COLUMNS[CHECKED[metric]], str(len(pairs)), *told, str(meet)


def settings(checks: Sequence[Check], reference: str) -> Iterator[tuple[str, ...]]:
    yield (
        "workload",
        "setting",
        "from",
        *(f"{COLUMNS[name]}, {kind}" for name in SHOWN for kind in ("predicted", "measured")),
    )
    order = list(dict.fromkeys(check.target for check in checks))
    lowest = order[0]
    for workload in dict.fromkeys(check.workload for check in checks):
        for target in order:
            source = lowest if target == reference else reference
            of = {
                check.metric: check
                for check in checks
                if (check.workload, check.target, check.source) == (workload, target, source)
            }
            yield workload, target, source, *(_cells(of.get(name)) for name in SHOWN)


def _cells(check: Check | None) -> str:
    sides = (check.predicted, check.measured) if check else ()
    return " | ".join(quantity(each.value, check.unit) for each in sides if check) or EMPTY


def table(rows: Iterator[tuple[str, ...]]) -> None:
    for number, row in enumerate(rows):
        sys.stdout.write(f"| {' | '.join(row)} |\n")
        if number == 0:
            sys.stdout.write(f"|{' --- |' * len(row)}\n")
    sys.stdout.write("\n")


def main(names: Sequence[str]) -> None:
    for name in names or RUNS:
        run = read_run(name, RESULTS / "recorded")
        found = validate(run)
        if not names and name == RUNS[0]:
            photograph(render(name, found), RESULTS / "replay.png", SIZE, ".multiples")
        same = sum(each.same for each in found.trajectories)
        events = sum(each.traced for each in found.trajectories)
        sys.stdout.write(
            f"{name}: {same} of {len(found.trajectories)} windows the same, {events} events\n\n"
        )
        table(errors(found.checks))
        table(settings(found.checks, setting_label(run.plan["reference"])))


if __name__ == "__main__":
    main(sys.argv[1:])
