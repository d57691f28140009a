"""Time from a year of nights to an overview, step by step, by what reading the same bytes takes.

    python -m tests.benchmarks.overview [--nights 365] [--repeat 3]

prints the second table of lab/history/README.md. The nights are synthetic (two hosts, 3 settings, 2
workloads, 6 blocks and an A/A arm), published on this machine's disk. *Rebuilt* makes the whole
index anew; its floor unpacks and parses the same rows. *Overview* makes that page from the
index, judging included, *site* all pages; their floor reads the same Parquet files and documents.
Each is CPU time of this process, the best of several; only their ratios mean anything elsewhere.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

from lab.history.runs import PUBLISHED
from lab.history.series import series
from lab.history.store import Store
from lab.report.site import INDEX, Site
from tests import synthetic
from tests.lab.history import nights

HEAD = """\
| step | CPU s | by its floor | ms a night |
| --- | ---: | ---: | ---: |
"""


def best(repeat: int, call: Callable[[], object]) -> float:
    """Return the least CPU time of `call`, in seconds."""
    taken = []
    for _ in range(repeat):
        start = time.process_time()
        call()
        taken.append(time.process_time() - start)
    return min(taken)


def made(folder: Path, number: int) -> Store:
    store = Store.make(str(folder / "store"), "synthetic", folder / "cache")
    for night in range(number):
        nights.add(
            store,
            folder / "runs",
            night,
            hosts={"one": "hardware", "other": "hardware"},
            architectures={"other": "s390x"},
            settings=[{synthetic.KNOB: ceiling} for ceiling in (0, 50_000, 200_000)],
            workloads=[synthetic.FIXED_30US, synthetic.FIXED_150US],
            blocks=6,
            aa=True,
        )
    return store


def rows_read(store: Store) -> None:
    """Unpack and parse all rows, and do nothing else."""
    for path in Path(store.root).glob("runs/*/*.jsonl.gz"):
        for line in gzip.decompress(path.read_bytes()).splitlines():
            json.loads(line)


def index_read(store: Store) -> None:
    """Read the index into one table, and the documents that say what is in the store."""
    pq.read_table(store.cache / "index").to_pandas()
    for path in Path(store.root).glob(f"{PUBLISHED}/*.json"):
        json.loads(path.read_bytes())


def rebuilt(store: Store) -> None:
    shutil.rmtree(store.cache / "index", ignore_errors=True)
    series(store)


def overview(store: Store) -> None:
    """Make the first page, which judges every series."""
    Site.of(store).pages[INDEX]()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--nights", type=int, default=365)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = made(folder, arguments.nights)
        raw = best(1, lambda: rows_read(store))
        index = best(1, lambda: rebuilt(store))
        least = best(arguments.repeat, lambda: index_read(store))
        page = best(arguments.repeat, lambda: overview(store))
        site = best(arguments.repeat, lambda: Site.of(store).write(folder / "site"))
        steps = (("index rebuilt", index, raw), ("overview", page, least), ("site", site, least))
    sys.stdout.write(HEAD)
    for step, taken, floor in steps:
        each = 1e3 * taken / arguments.nights
        sys.stdout.write(f"| {step} | {taken:.2f} | {taken / floor:.1f} | {each:.1f} |\n")


if __name__ == "__main__":
    main()
