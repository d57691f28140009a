"""How well changes are found in a year of nights, beside Apache Otava, asv and a plain threshold.

    python -m tests.benchmarks.detection

Every detector is asked every night about the nights so far, on the same made-up series
(`lab.detect.synthetic`, seeded). The peers run with their defaults in an environment of their
own (.cache/peers, made by this script from PyPI); being slow, they get the first series of
each kind only. Writes results/detection.md and the picture beside it.
"""

from __future__ import annotations

import json
import subprocess
import venv
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
from tests.benchmarks.detection_score import Score

SEED = 20181024
PEERS = ("apache-otava==0.8.0", "asv==0.6.6")
SIZES = (0.01, 0.02, 0.05, 0.10, 0.20)
SPREADS = (0.003, 0.03)
SERIES = 200
PEER_SERIES = {"otava": 6, "asv": 2}
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
    for noise, what in product(Noise, ("none", *SIZES, "double", "drift")):
        rng = np.random.default_rng([SEED, number, *str(noise).encode(), *str(what).encode()])
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
        yield Case(str(what), synthesize(recipe, int(rng.integers(2**31))))


def judges(series: Synthetic, rule: Rule, *, rerun: bool) -> list[tuple[int, int]]:
    """What the lab would tell: with a re-run what it confirms, without what both judges say."""
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
    home = ROOT / ".cache" / "peers"
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "-q", *PEERS], check=True)
    question = {
        name: [np.median(case.series.trials, axis=1).tolist() for case in some]
        for name, some in chosen.items()
    }
    script = Path(__file__).with_name("detection_peers.py")
    answer = subprocess.run(
        [python, script], input=json.dumps(question), capture_output=True, text=True, check=True
    )
    return dict(json.loads(answer.stdout))
