"""Ask Apache Otava and asv every night what they see: `detection.py` runs this in their own venv.

    python detection_peers.py < QUESTION > ANSWER

QUESTION is JSON: {"otava" | "asv": [[a year of nightly values], …]}. ANSWER gives for each series
"seconds", "nights" asked and "seen": [[night, first night of a change], …], changes of the last
60 nights only. Both with their defaults, as their commands use them; asv, which looks for
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
SHORTEST = 10
THRESHOLD = 0.05  # asv.plugins.regressions, where asv.conf.json says nothing


def otava(values: list[float]) -> list[int]:
    return [int(point.index) for point in compute_change_points(values)[0]]


def asv(values: list[float]) -> list[int]:
    steps = detect_steps(values)
    mirrored = [(a, b, 1 / v, 1 / v, error / v**2) for a, b, v, _, error in steps]
    both = [detect_regressions(each, THRESHOLD)[2] or [] for each in (steps, mirrored)]
    return [int(after) for found in both for _, after, *_ in found]


def ask(judge: Callable[[list[float]], list[int]], values: list[float]) -> dict[str, Any]:
    began = time.perf_counter()
    seen = [
        (nights - 1, since)
        for nights in range(SHORTEST, len(values) + 1)
        for since in judge(values[:nights])
        if since >= nights - RECENT
    ]
    asked = len(values) + 1 - SHORTEST
    return {"seconds": time.perf_counter() - began, "nights": asked, "seen": seen}


def main() -> None:
    question = json.load(sys.stdin)
    peers = {"otava": otava, "asv": asv}
    answer = {
        name: [ask(peers[name], each) for each in series] for name, series in question.items()
    }
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
