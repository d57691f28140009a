"""How well changes are found in a year of nights, beside Apache Otava, asv and a plain threshold.

    python -m tests.benchmarks.detection

Every detector is asked every night about the nights so far, on the same made-up series
(`lab.detect.synthetic`, seeded). The peers run with their defaults in an environment of their
own (tests/peers.py); being slow, they get the first series of
each kind only. Writes results/detection.md and the picture beside it.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from lab.detect.nights import summarise
from lab.detect.rule import Rule
from lab.detect.scan import CALLED, CONFIRMED, scan
from lab.detect.synthetic import Change, Noise, Recipe, Synthetic, synthesize
from lab.paths import ROOT
from tests import peers
from tests.benchmarks.detection_score import Score

SEED = 20181024
SIZES = (0.01, 0.02, 0.05, 0.10, 0.20)
SPREADS = (0.003, 0.03)
SERIES = 200
PEER_SERIES = {"otava": 4, "asv": 1}
EARLIEST, LATEST = 120, 280
GAPS = (10, 30)
DRIFT = (0.05, 60)
THRESHOLD, BEFORE = 0.05, 14
SPEED = 10_000


@dataclass(frozen=True)
class Case:
    """One series and what it is there for."""

    what: str
    series: Synthetic


@dataclass(frozen=True)
class Result:
    case: Case
    score: Score


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


def judges(series: Synthetic, rule: Rule, *, rerun: bool) -> list[tuple[int, int]]:
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
    seen: list[tuple[int, int]] = []
    for night in range(BEFORE, values.size):
        if abs(values[night] / np.median(values[night - BEFORE : night]) - 1) > THRESHOLD:
            goes_on = seen and seen[-1][0] == night - 1
            seen.append((night, seen[-1][1] if goes_on else night))
    return seen


def ask_peers(chosen: dict[str, list[Case]]) -> dict[str, Any]:
    """Ask each peer about its cases, as `detection_peers.py` says; answers are kept beside them."""
    peers.make()
    question = json.dumps(
        {
            name: [np.median(case.series.trials, axis=1).tolist() for case in some]
            for name, some in chosen.items()
        }
    )
    kept = peers.HOME / f"answer-{hashlib.sha256(question.encode()).hexdigest()[:12]}.json"
    if not kept.exists():
        script = Path(__file__).with_name("detection_peers.py")
        answer = subprocess.run(
            [peers.PYTHON, script], input=question, stdout=subprocess.PIPE, text=True, check=True
        )
        kept.write_text(answer.stdout)
    return dict(json.loads(kept.read_text()))


def for_peers() -> dict[str, list[Case]]:
    return {
        name: [case for number in range(count) for case in cases(number)]
        for name, count in PEER_SERIES.items()
    }
