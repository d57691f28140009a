"""Ask Apache Otava or asv every night what they see: `detection.py` runs this in their own venv.

    python detection_peers.py otava|asv < QUESTION > ANSWER

QUESTION is JSON, [{"values": [a year of nightly values], "first", "last": nights to ask on}, …].
ANSWER gives for each "cpu_s" and "seen": [[night, first night of a change], …], changes of the
last 60 nights only. Both with their defaults, as their commands use them; asv, which looks for
regressions alone, is asked for both directions.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from asv.step_detect import detect_regressions, detect_steps
from otava.analysis import compute_change_points

RECENT = 60
THRESHOLD = 0.05  # asv.plugins.regressions, where asv.conf.json says nothing


def otava(values: list[float]) -> list[int]:
    return [int(point.index) for point in compute_change_points(values)[0]]


def asv(values: list[float]) -> list[int]:
    steps = detect_steps(values)
    mirrored = [(a, b, 1 / v, 1 / v, error / v**2) for a, b, v, _, error in steps]
    both = [detect_regressions(each, THRESHOLD)[2] or [] for each in (steps, mirrored)]
    return [int(after) for found in both for _, after, *_ in found]


def ask(judge: Callable[[list[float]], list[int]], case: dict[str, Any]) -> dict[str, Any]:
    values = case["values"]
    began = time.process_time()
    seen = [
        (night, since)
        for night in range(case["first"], case["last"] + 1)
        for since in judge(values[: night + 1])
        if since > night - RECENT
    ]
    return {"cpu_s": time.process_time() - began, "seen": seen}


def main() -> None:
    judge = {"otava": otava, "asv": asv}[sys.argv[1]]
    json.dump([ask(judge, case) for case in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main()
