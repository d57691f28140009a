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
from dataclasses import dataclass, replace
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
from tests.benchmarks.detection_tables import beside, draw, found, rates


@dataclass(frozen=True)
class Peer:
    """A tool with its one limit, and how many series it gets, in the order of `cases`."""

    tool: str
    limit: float
    series: int = 240


SEED = 20261123
SIZES = (0.01, 0.02, 0.05, 0.10, 0.20)
SPREADS = (0.003, 0.03)
SERIES = 15
THRESHOLD, BEFORE = 0.05, 14
RULE = Rule()
OWN = "kvmlab"
# asv's threshold says that smaller changes are nobody's business: so may the lab.
FROM_THRESHOLD = replace(RULE, minimum_effect=THRESHOLD)
OWN_FROM_THRESHOLD = "kvmlab, 5 % and more"
LEVEL = "threshold of 5 %"
OTAVA, STRICT, ASV = "Apache Otava", "Otava, p 0.0001", "asv"
PEERS = {
    OTAVA: Peer("otava", 0.001),
    STRICT: Peer("otava", 0.0001),
    ASV: Peer("asv", THRESHOLD),
}
BESIDE = (
    (OTAVA, OWN),
    (STRICT, OWN),
    (ASV, OWN),
    (ASV, OWN_FROM_THRESHOLD),
    (LEVEL, OWN),
)
EARLIEST, LATEST = 100, 210
GAPS = (10, 30)
DRIFT = (0.05, 60)
SHOWN = (OWN, OWN_FROM_THRESHOLD, LEVEL, OTAVA, ASV)
SPEED = 10_000
WORKERS = 2


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


def lab(series: Synthetic, rule: Rule = RULE, *, rerun: bool = True) -> list[tuple[int, int, int]]:
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
    ways = np.sign(told["effect"]).astype(int)
    return list(zip(told["night"].tolist(), told["since"].tolist(), ways.tolist(), strict=True))


def threshold(series: Synthetic) -> list[tuple[int, int, int]]:
    """Alert where a night is 5 % off the median of the 14 nights before it."""
    values = np.median(series.trials, axis=1)
    usual = np.median(sliding_window_view(values, BEFORE)[:-1], axis=1)
    off = values[BEFORE:] / usual - 1
    seen: list[tuple[int, int, int]] = []
    for each in np.flatnonzero(abs(off) > THRESHOLD):
        night, way = int(each) + BEFORE, 1 if off[each] > 0 else -1
        goes_on = seen and (seen[-1][0], seen[-1][2]) == (night - 1, way)
        seen.append((night, seen[-1][1] if goes_on else night, way))
    return seen


def ask(peer: Peer, some: list[Case]) -> list[dict[str, Any]]:
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
    command = [str(peers.PYTHON), str(script), peer.tool, str(peer.limit)]
    asked_for = " ".join(command[2:]) + question + script.read_text()
    kept = peers.HOME / f"{peer.tool}-{hashlib.sha256(asked_for.encode()).hexdigest()[:12]}.json"
    if not kept.exists():
        answer = subprocess.run(
            command, input=question, stdout=subprocess.PIPE, text=True, check=True
        )
        kept.write_text(answer.stdout)
    return list(json.loads(kept.read_text()))


def asked(peer: Peer) -> Iterator[tuple[Case, dict[str, Any]]]:
    """Give each case of a peer with its answer."""
    count, number = peer.series, 0
    while count > 0:
        some = list(cases(number))[:count]
        yield from zip(some, ask(peer, some), strict=True)
        count, number = count - len(some), number + 1


def told(answer: dict[str, Any]) -> list[tuple[int, int, int]]:
    return [(night, since, way) for night, since, way in answer["seen"]]


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
    for name, peer in PEERS.items():
        answers = list(asked(peer))
        nights = sum(case.last + 1 - case.first for case, _ in answers)
        spent = sum(answer["cpu_s"] for _, answer in answers)
        yield (
            f"| {name} | {len(answers)} {TIMES} {nights // len(answers)} | {spent:.1f} |"
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
        OWN: [score(case, lab(case.series)) for case in many],
        OWN_FROM_THRESHOLD: [score(case, lab(case.series, FROM_THRESHOLD)) for case in many],
        "kvmlab, no re-run": [score(case, lab(case.series, rerun=False)) for case in many],
        LEVEL: [score(case, threshold(case.series)) for case in many],
    } | {
        name: [score(case, told(answer)) for case, answer in asked(peer)]
        for name, peer in PEERS.items()
    }
    pairs = (beside(detectors, names) for names in BESIDE)
    text = (ROOT / "tests" / "benchmarks" / "detection.md").read_text()
    tables = {
        "RATES": rates(detectors),
        "FOUND": found(detectors),
        "SPEED": speed(),
        "BESIDE": ["\n\n".join("\n".join(lines) for lines in pairs)],
    }
    for name, lines in tables.items():
        text = text.replace(f"{{{name}}}", "\n".join(lines))
    (RESULTS / "detection.md").write_text(text)
    draw({name: scores for name, scores in detectors.items() if name in SHOWN}, RESULTS)


if __name__ == "__main__":
    main()
