"""Time and memory of `lab.stats.compare` against rows, and against pandas with scipy's bootstrap.

    python -m tests.benchmarks.many_rows

Tables are nights of a fleet: runs of ten hosts, each with five workloads, four metrics, six
settings and twelve blocks, as many nights as make up the rows. Each size is a fresh process.
The peer does the same job, pair by pair: pandas groups and pivots, scipy.stats.bootstrap resamples
the Hodges-Lehmann estimate as often, scipy.stats.permutation_test flips all signs. It runs over one
night and is scaled by rows. Prints the table of results/many_rows.md.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from lab.metrics import PRIMARY, metric
from lab.stats import compare
from lab.stats.interval import RESAMPLES
from lab.stats.location import hodges_lehmann
from lab.table import HEAD, KNOB_TYPE, TAIL

HOSTS, WORKLOADS, SETTINGS, BLOCKS = 10, 5, 6, 12
METRICS = [name for name in PRIMARY if "halt" in metric(name).guests]
NIGHT = HOSTS * WORKLOADS * SETTINGS * BLOCKS * len(METRICS)
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
PEER_PAIRS = 60
KNOB = "vm.halt_poll_ns"
GIB = 1 << 30


def table(rows: int) -> pd.DataFrame:
    """Tidy table of about `rows` rows, in whole nights (at least one)."""
    nights = max(round(rows / NIGHT), 1)
    shape = (nights, HOSTS, WORKLOADS, BLOCKS, SETTINGS, len(METRICS))
    at = [each.ravel() for each in np.indices(shape, dtype=np.int32)]
    night, host, workload, block, setting, column = at
    rng = np.random.default_rng(20181024)
    size = night.size
    constants = {
        "architecture": "x86_64", "clock_class": "hardware", "flavour": "vmx", "kernel": "6.12.9",
        "boot": "",
        "warmup": False, "probes": "halts", "aa": False, "guest": "halt", "status": "ok",
        "reason": None, "unit": "ns",
    }  # fmt: skip
    named: dict[str, tuple[Any, list[str]]] = {
        "run": (night, [f"2026{number:04d}-halt_poll" for number in range(nights)]),
        "host": (host, [f"host{number}" for number in range(HOSTS)]),
        "workload": (workload, [f"workload{number}" for number in range(WORKLOADS)]),
        "setting": (setting, [f"{KNOB}={1000 * number}" for number in range(SETTINGS)]),
        "metric": (column, METRICS),
    }
    columns: dict[str, Any] = {
        name: pd.Series(np.array(names, dtype=object)[codes], dtype="str")
        for name, (codes, names) in named.items()
    }
    columns |= {name: np.full(size, value) for name, value in constants.items()}
    columns |= {
        "trial": np.arange(size) // len(METRICS),
        "block": block,
        KNOB: 1000 * setting,
        "value": np.exp(rng.normal(10, 0.05, size) + 0.02 * setting),
    }
    types = HEAD | {KNOB: KNOB_TYPE} | TAIL
    return pd.DataFrame(columns)[list(types)].astype(types)


def ours(rows: int) -> dict[str, float]:
    """Seconds, memory before and at the peak (bytes), rows and pairs of one comparison."""
    trials = table(rows)
    compare(table(1), f"{KNOB}=0", metrics=METRICS)  # compiled code is loaded once
    before = _peak()
    start, cpu = time.perf_counter(), _cpu()
    found = compare(trials, f"{KNOB}=0", metrics=METRICS)
    seconds = time.perf_counter() - start
    return {
        "rows": len(trials),
        "pairs": len(found),
        "seconds": seconds,
        "cpu": _cpu() - cpu,
        "table": float(trials.memory_usage(deep=True).sum()),
        "before": before,
        "peak": _peak(),
    }


def peer(pairs: int) -> float:
    """CPU seconds a pair, by pandas and scipy."""
    trials = table(1)
    keys = ["run", "host", "workload", "metric"]
    start = _cpu()
    wide = trials.pivot_table(index=[*keys, "block"], columns="setting", values="value")
    done = 0
    for _, group in wide.groupby(keys, sort=False):
        for name in group.columns[1:]:
            logs = np.log(group[name].to_numpy() / group[group.columns[0]].to_numpy())
            stats.bootstrap(
                (logs,),
                lambda x, axis: hodges_lehmann(np.moveaxis(x, axis, -1)),
                n_resamples=RESAMPLES,
                method="percentile",
                vectorized=True,
            )
            stats.permutation_test(
                (logs,),
                lambda x, axis: x.mean(axis=axis),
                permutation_type="samples",
                vectorized=True,
                n_resamples=1 << BLOCKS,
            )
            done += 1
            if done == pairs:
                return (_cpu() - start) / pairs
    raise ValueError(f"one night has {done} pairs, fewer than {pairs}")


def _cpu() -> float:
    """CPU seconds of this process and of those it has waited for: fair on a busy machine."""
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def _peak() -> float:
    return 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    a_pair = peer(PEER_PAIRS)
    sys.stdout.write(
        "| rows | pairs | seconds | CPU s | table, GiB | more at the peak, GiB | "
        "pandas + scipy, CPU s (scaled) | ratio of CPU |\n"
        "| --: | --: | --: | --: | --: | --: | --: | --: |\n"
    )
    for rows in SIZES:
        command = [sys.executable, "-m", "tests.benchmarks.many_rows", str(rows)]
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
        told = json.loads(answer.stdout)
        theirs = a_pair * told["pairs"]
        sys.stdout.write(
            f"| {told['rows']:,.0f} | {told['pairs']:,.0f} | {told['seconds']:.2f} | "
            f"{told['cpu']:.2f} | {told['table'] / GIB:.2f} | "
            f"{(told['peak'] - told['before']) / GIB:.2f} | {theirs:,.0f} | "
            f"{theirs / told['cpu']:,.0f} |\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.stdout.write(json.dumps(ours(int(sys.argv[1]))))
    else:
        main()
