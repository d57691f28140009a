"""Time to read all series of a store, by the number of its nights.

    python -m tests.benchmarks.history [--nights 30 120 365] [--repeat 3]

prints the table of lab/history/README.md. The nights are synthetic (5 settings, 4 workloads, 6
blocks), published on this machine's disk. *Indexed* is `lab.history.series` as each night calls it,
the *floor* reads the same Parquet files into one table and does nothing else, *runs* reads the run
folders themselves, which is what the index spares. Each is the best of several in this process,
taken in turns; only their ratios mean anything elsewhere.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

from lab.history.index import build
from lab.history.runs import fetch, published
from lab.history.series import series
from lab.history.store import Store
from tests import synthetic
from tests.lab.history import nights

HEAD = """\
| nights | series | indexed | by the floor | runs, by indexed |
| --- | --- | --- | --- | --- |
"""


def best(repeat: int, *calls: Callable[[], object]) -> list[float]:
    """Return the shortest time of each call in seconds, over rounds that take them in turns."""
    taken = [[0.0] * len(calls) for _ in range(repeat)]
    for row in taken:
        for place, call in enumerate(calls):
            start = time.perf_counter()
            call()
            row[place] = time.perf_counter() - start
    return [min(times) for times in zip(*taken, strict=True)]


def measured(folder: Path, number: int, repeat: int) -> str:
    """Return the table's row for a store of so many nights."""
    store = Store.make(str(folder / f"store-{number}"), "synthetic", folder / "cache")
    for night in range(number):
        nights.add(store, folder / f"runs-{number}", night, workloads=synthetic.WORKLOADS, blocks=6)
    found = series(store)
    assert {len(each.nights) for each in found} == {number}

    def floor() -> None:
        pq.read_table(store.cache / "index").to_pandas()

    def runs() -> None:
        for run in published(store):
            build(run, fetch(store, run))

    indexed, least, raw = best(repeat, lambda: series(store), floor, runs)
    ratios = f"{indexed / least:.1f} | {raw / indexed:.0f}"
    return f"| {number} | {len(found)} | {indexed:.2f} s | {ratios} |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--nights", type=int, nargs="+", default=[30, 120, 365])
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    sys.stdout.write(HEAD)
    with tempfile.TemporaryDirectory() as folder:
        for number in arguments.nights:
            sys.stdout.write(measured(Path(folder), number, arguments.repeat) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
