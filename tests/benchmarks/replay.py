"""How fast halts are replayed: compiled, in plain Python, and beside what memory allows.

    python -m tests.benchmarks.replay

The peer is the same text run by Python. The floor is a compiled loop that reads and writes the
same arrays and decides nothing. Rates are by CPU time on one core, the best of several repeats, so
that other tasks on the machine count as little as they can; ratios are of one run. The table in
lab/replay/README.md is this script's.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lab.labels import TIMES
from lab.paths import RESULTS
from lab.replay.algorithms import GENERIC, Knobs
from lab.replay.halts import NEVER, Halts, as_possible
from lab.replay.loop import SUMS, VALID, Column, build, compiled
from lab.replay.surface import sources
from lab.store.read import read_run

SEED = 20181024
HALTS, PLAIN = 8_000_000, 200_000
REPEATS = 7
KNOBS = Knobs(200_000)
SLEEP_NS = 22_000
CLOSED = True
RECORDED = "20261123-032244-halt_poll_brief"


def synthetic(polled_ns: NDArray[np.float64]) -> Halts:
    polled = polled_ns.astype(np.int64)
    nothing = np.zeros(0)
    flags = np.full(polled.size, VALID, np.uint8)
    never = np.full(polled.size, NEVER)
    return Halts(polled, polled, polled + SLEEP_NS, never, flags, nothing, nothing)


def recorded() -> Halts:
    """All halts of the recorded run, again and again up to HALTS."""
    (source,) = sources(read_run(RECORDED, RESULTS / "recorded"))
    costs = source.costs()
    parts = [as_possible(each, costs) for trial in source.trials for each in trial]

    columns = [
        np.resize(np.concatenate(column), HALTS)
        for column in zip(
            *((h.ns, h.polled_ns, h.slept_ns, h.cut_ns, h.flags) for h in parts), strict=True
        )
    ]
    ns, polled_ns, slept_ns, cut_ns, flags = columns
    return Halts(ns, polled_ns, slept_ns, cut_ns, flags.astype(np.uint8), np.zeros(0), np.zeros(0))


def touch(  # what a replay reads and writes, without a decision
    polled: Column, slept: Column, cut: Column, ns: Column, flags: Column, _closed: bool,  # noqa: FBT001
    _ceiling: int, _factor: int, _start: int, _divisor: int,
    codes: Column, windows: Column, _sums: Column,
) -> None:  # fmt: skip
    for i in range(len(polled)):
        codes[i] = flags[i]
        windows[i] = polled[i] ^ slept[i] ^ cut[i] ^ ns[i]


def _columns(halts: Halts) -> list[NDArray[Any]]:
    return [halts.polled_ns, halts.slept_ns, halts.cut_ns, halts.ns, halts.flags]


def best(loop: Callable[..., None], halts: Halts, repeats: int) -> float:
    """Halts per second of CPU time in the best repeat, the first apart (it compiles)."""
    n = halts.ns.size
    codes, windows, sums = np.empty(n, np.uint8), np.empty(n, np.uint32), np.zeros(len(SUMS), int)
    times = []
    for _ in range(repeats + 1):
        begin = time.thread_time()
        loop(*_columns(halts), CLOSED, *KNOBS.values, codes, windows, sums)
        times.append(time.thread_time() - begin)
    return n / min(times[1:])


def plain(halts: Halts) -> float:
    columns = [column[:PLAIN].tolist() for column in _columns(halts)]
    loop = build(GENERIC, lambda function: function)
    times = []
    for _ in range(3):
        codes, windows, sums = [0] * PLAIN, [0] * PLAIN, [0] * len(SUMS)
        begin = time.thread_time()
        loop(*columns, CLOSED, *KNOBS.values, codes, windows, sums)
        times.append(time.thread_time() - begin)
    return PLAIN / min(times)


def main() -> None:
    rng = np.random.default_rng(SEED)
    cases = {
        "every 150 µs, 2 µs of jitter": synthetic(rng.normal(150e3, 2e3, HALTS)),
        "exponential, 100 µs": synthetic(rng.exponential(100e3, HALTS)),
        "the recorded run, repeated": recorded(),
    }
    floor_loop = njit()(touch)
    write = sys.stdout.write
    write("| halts | compiled | plain Python | faster by | memory's floor | of the floor |\n")
    write("| --- | --- | --- | --- | --- | --- |\n")
    for name, halts in cases.items():
        fast, slow = best(compiled(GENERIC), halts, REPEATS), plain(halts)
        floor = best(floor_loop, halts, REPEATS)
        write(
            f"| {name} | {fast / 1e6:.0f} M/s | {slow / 1e6:.2f} M/s | {TIMES}{fast / slow:.0f} "
            f"| {floor / 1e6:.0f} M/s | {fast / floor:.0%} |\n"
        )


if __name__ == "__main__":
    main()
