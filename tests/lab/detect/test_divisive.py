"""The running sums of E-divisive means against its definition, and against Apache Otava's."""

from __future__ import annotations

import json
import subprocess
from itertools import combinations

import numpy as np
import pytest

from lab.detect.divisive import best_split, drop, push, split
from lab.detect.rule import Floats
from tests import peers

OTAVA = """
import json, sys
import numpy as np
from otava.change_point_divisive.calculator import PairDistanceCalculator
found = []
for values in json.load(sys.stdin):
    q = PairDistanceCalculator(np.array(values))._get_Q_vals(0, len(values))[:, -1]
    found.append((int(q.argmax()) + 1, float(q.max())))
json.dump(found, sys.stdout)
"""


def q_by_definition(values: Floats, m: int) -> float:
    """Equation 5 of Matteson and James, with exponent 1."""
    x, y = values[:m], values[m:]
    n = y.size
    between = np.abs(x[:, None] - y[None, :]).mean()
    within = [np.mean([abs(a - b) for a, b in combinations(part, 2)]) for part in (x, y)]
    return float(m * n / (m + n) * (2 * between - within[0] - within[1]))


def series(seed: int, nights: int = 40) -> Floats:
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 1, nights)
    values[nights - 10 :] += rng.uniform(0, 3)
    return values


@pytest.mark.parametrize("seed", range(5))
def test_the_best_split_has_the_largest_q_of_all(seed: int) -> None:
    values = series(seed)
    by_definition = {m: q_by_definition(values, m) for m in range(2, values.size - 1)}
    best = max(by_definition, key=by_definition.__getitem__)
    found, q = split(values)
    assert found == best
    assert q == pytest.approx(by_definition[best])


def test_a_split_keeps_its_distance_from_both_ends() -> None:
    values = np.array([9.0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 9])
    assert split(values, 4, 2)[0] == 9
    assert 4 <= split(values, 4, 3)[0] <= 8


def test_dropping_nights_leaves_what_the_rest_gives() -> None:
    values = series(3, 60)
    held, before, after = (np.zeros(32) for _ in range(3))
    count = 0
    for value in values:
        if count == 30:
            drop(held, before, after, count)
            count -= 1
        push(held, before, after, count, value)
        count += 1
    found, q = best_split(before, after, count, 2, 2)
    assert (found, q) == pytest.approx(split(values[-30:]))


@pytest.mark.needs("otava")
def test_otava_finds_the_same_split() -> None:
    # Otava's also weighs a single night at either end, which the lab never does.
    asked = [series(seed) for seed in range(20)]
    answer = subprocess.run(
        [str(peers.PYTHON), "-c", OTAVA],
        input=json.dumps([values.tolist() for values in asked]),
        capture_output=True,
        text=True,
        check=True,
    )
    inside = [
        (values, place, q)
        for values, (place, q) in zip(asked, json.loads(answer.stdout), strict=True)
        if 2 <= place <= values.size - 2
    ]
    assert len(inside) > 10
    for values, place, q in inside:
        assert split(values) == pytest.approx((place, q))
