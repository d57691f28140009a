"""How well changes are found in a year of nights, beside Apache Otava, asv and a plain threshold.

    python -m tests.benchmarks.detection

Every detector is asked every night about the nights so far, on the same made-up series
(`lab.detect.synthetic`, seeded). The peers run with their defaults in an environment of their
own (tests/peers.py); being slow, they get the first series of each kind only. Writes
results/detection.md and the pictures beside it.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from lab.detect.nights import summarise
from lab.detect.rule import Floats, Rule
from lab.detect.scan import CALLED, CONFIRMED, scan
from lab.detect.synthetic import Change, Noise, Recipe, Synthetic, synthesize
from lab.labels import TIMES
from lab.paths import RESULTS, ROOT
from tests import peers
from tests.benchmarks.detection_score import NIGHTS, Case, score
from tests.benchmarks.detection_tables import Scores, draw, found, rates

SEED = 20181024
SIZES = (0.01, 0.02, 0.05, 0.10, 0.20)
SPREADS = (0.003, 0.03)
SERIES = 30
RULE = Rule()
PEER_SERIES = {"otava": 80, "asv": 8}
"""In the order of `cases`: 40 of each number, by noise and within it by what changes."""
EARLIEST, LATEST = 100, 210
GAPS = (10, 30)
DRIFT = (0.05, 60)
THRESHOLD, BEFORE = 0.05, 14
SPEED = 10_000
WORKERS = 2
NAMES = {"otava": "Apache Otava", "asv": "asv"}
SAME_NIGHT = Rule(alert_nights=1)


def cases(number: int) -> Iterator[Case]:
    """Make the `number`-th series of each noise and course."""
    for noise, what in product(Noise, ("none", *map(str, SIZES), "double", "drift")):
        rng = np.random.default_rng([SEED, number, *noise.encode(), *what.encode()])
        sign = rng.choice([-1, 1])
        night = int(rng.integers(EARLIEST, LATEST))
        changes: tuple[Change, ...] = ()
        if what == "drift":
            changes = (Change(night, DRIFT[0], DRIFT[1]),)
        elif what == "double":
            size = float(rng.choice(SIZES[1:]))
            later = night + int(rng.integers(*GAPS))
            changes = (Change(night, size), Change(later, sign * size))
        elif what != "none":
            changes = (Change(night, sign * float(what)),)
        spread = float(np.exp(rng.uniform(*np.log(SPREADS))))
        recipe = Recipe(noise, changes, spread)
        yield Case(what, synthesize(recipe, int(rng.integers(2**31))))


def lab(series: Synthetic, rule: Rule = RULE, *, rerun: bool = True) -> list[tuple[int, int]]:
    """Return what the lab would tell: with a re-run what it confirms, without what it asks for."""
    nights = series.trials.shape[0]
    said = scan(
        *summarise(series.trials),
        np.zeros(nights, bool),
        rule,
        0.0,
        summarise(series.reruns) if rerun else None,
    )
    told = said[said["state"] >= (CONFIRMED if rerun else CALLED)]
    return list(zip(told["night"].tolist(), told["since"].tolist(), strict=True))


def threshold(series: Synthetic) -> list[tuple[int, int]]:
    """Alert where a night is 5 % off the median of the 14 nights before it."""
    values = np.median(series.trials, axis=1)
    usual = np.median(sliding_window_view(values, BEFORE)[:-1], axis=1)
    seen: list[tuple[int, int]] = []
    for night in BEFORE + np.flatnonzero(abs(values[BEFORE:] / usual - 1) > THRESHOLD):
        goes_on = seen and seen[-1][0] == night - 1
        seen.append((int(night), seen[-1][1] if goes_on else int(night)))
    return seen


def ask_peer(name: str, some: list[Case]) -> list[dict[str, Any]]:
    """Ask a peer as `detection_peers.py` says; its answers are kept in its environment."""
    peers.make()
    question = json.dumps(
        [
            {
                "values": np.median(case.series.trials, axis=1).tolist(),
                "first": case.first,
                "last": case.last,
            }
            for case in some
        ]
    )
    script = Path(__file__).with_name("detection_peers.py")
    asked_for = hashlib.sha256((name + question + script.read_text()).encode()).hexdigest()
    kept = peers.HOME / f"{name}-{asked_for[:12]}.json"
    if not kept.exists():
        command = [str(peers.PYTHON), str(script), name]
        answer = subprocess.run(
            command, input=question, stdout=subprocess.PIPE, text=True, check=True
        )
        kept.write_text(answer.stdout)
    return list(json.loads(kept.read_text()))


def asked(name: str) -> Iterator[tuple[Case, dict[str, Any]]]:
    """Give each case of a peer with its answer."""
    count, number = PEER_SERIES[name], 0
    while count > 0:
        some = list(cases(number))[:count]
        yield from zip(some, ask_peer(name, some), strict=True)
        count, number = count - len(some), number + 1


def against(name: str) -> Scores:
    """Score a peer, and the lab on the same series."""
    ours, theirs = [], []
    for case, answer in asked(name):
        theirs.append(score(case, [(night, since) for night, since in answer["seen"]]))
        ours.append(score(case, lab(case.series)))
    return {NAMES[name]: theirs, f"kvmlab, on the series of {NAMES[name]}": ours}


def speed() -> Iterator[str]:
    """Time the judges on many years, and the peers on one of them, by CPU time."""
    year = synthesize(Recipe(changes=(Change(200, 0.05),)), SEED)
    lab(year)  # compiles
    many = np.broadcast_to(year.trials, (SPEED, *year.trials.shape))
    began, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(WORKERS) as pool:
        judged = sum(pool.map(_year, many, chunksize=100))
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    yield f"| detector | series {TIMES} nights | CPU s | CPU µs a night | by kvmlab's |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    own = cpu / judged
    yield f"| kvmlab | {SPEED:,} {TIMES} {NIGHTS} | {cpu:.1f} | {1e6 * own:.2f} | 1 |"
    for name in PEER_SERIES:
        answers = list(asked(name))
        nights = sum(case.last + 1 - case.first for case, _ in answers)
        spent = sum(answer["cpu_s"] for _, answer in answers)
        yield (
            f"| {NAMES[name]} | {len(answers)} {TIMES} {nights // len(answers)} | {spent:.1f} |"
            f" {1e6 * spent / nights:,.0f} | {spent / nights / own:,.0f} |"
        )
    yield ""
    yield (
        f"kvmlab took {wall:.1f} s by the clock for {judged:,} nights, with {WORKERS} threads on a"
        " machine that others used, too."
    )


def _year(trials: Floats) -> int:
    scan(*summarise(trials), np.zeros(len(trials), bool), RULE, 0.0)
    return len(trials)


def main() -> None:
    many = [case for number in range(SERIES) for case in cases(number)]
    detectors = {
        "kvmlab": [score(case, lab(case.series)) for case in many],
        "kvmlab, same night": [score(case, lab(case.series, SAME_NIGHT)) for case in many],
        "kvmlab, no re-run": [score(case, lab(case.series, rerun=False)) for case in many],
        "threshold of 5 %": [score(case, threshold(case.series)) for case in many],
    }
    beside = against("otava") | against("asv")
    text = (ROOT / "tests" / "benchmarks" / "detection.md").read_text()
    tables = {
        "RATES": rates(detectors | beside),
        "FOUND": found(detectors | beside),
        "SPEED": speed(),
    }
    for name, lines in tables.items():
        text = text.replace(f"{{{name}}}", "\n".join(lines))
    (RESULTS / "detection.md").write_text(text)
    draw(detectors | {NAMES["otava"]: beside[NAMES["otava"]]}, RESULTS)


if __name__ == "__main__":
    main()
