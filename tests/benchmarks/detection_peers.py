"""Ask Apache Otava or asv every night what they see: `detection.py` runs this in their own venv.

    python detection_peers.py otava|asv LIMIT < QUESTION > ANSWER

QUESTION is JSON, [{"values": [a year of nightly values], "first", "last": nights to ask on}, …].
ANSWER gives for each "cpu_s" and "seen": [[night, first night of a change, 1 for up or -1], …],
changes of the last 60 nights only. LIMIT is the one knob that each has: the largest p of Otava
(its default 0.001), the least change of asv (0.05, asv.plugins.regressions). All else is as
their commands use it; asv, which looks for regressions alone, is asked for both directions.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from asv.step_detect import detect_regressions, detect_steps
from otava.analysis import compute_change_points

RECENT = 60
Places: TypeAlias = list[tuple[int, int]]


def otava(values: list[float], limit: float) -> Places:
    points, _ = compute_change_points(values, max_pvalue=limit)
    return [
        (int(each.index), 1 if each.stats.mean_2 > each.stats.mean_1 else -1) for each in points
    ]


def asv(values: list[float], limit: float) -> Places:
    steps = detect_steps(values)
    mirrored = [(a, b, 1 / v, 1 / v, error / v**2) for a, b, v, _, error in steps]
    return [
        (int(after), way)
        for way, some in ((1, steps), (-1, mirrored))
        for _, after, *_ in detect_regressions(some, limit)[2] or []
    ]


def ask(judge: Callable[[list[float]], Places], case: dict[str, Any]) -> dict[str, Any]:
    values = case["values"]
    began = time.process_time()
    seen = [
        (night, since, way)
        for night in range(case["first"], case["last"] + 1)
        for since, way in judge(values[: night + 1])
        if since > night - RECENT
    ]
    return {"cpu_s": time.process_time() - began, "seen": seen}


def main() -> None:
    judge = partial({"otava": otava, "asv": asv}[sys.argv[1]], limit=float(sys.argv[2]))
    json.dump([ask(judge, case) for case in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main()
