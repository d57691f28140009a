"""What the probe adds to an exit, beside other tools that look at the same events.

    python -m tests.benchmarks.probe_cost [--blocks N] [SHELL WORD…]

SHELL WORD… runs the words that follow in a shell on the host under test (`ssh root@epyc`); left
out, it is this machine's. The host needs what the agent needs, and the tools: one that is missing
or refuses is a line that says so. In each block every arm runs once on each workload, in random
order, in a fresh VM; the guest's own clock times its exits. results/probe_cost.md is what it
printed.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import shlex
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd

from lab.paths import PROBES
from lab.stats import Contrast, Estimate, contrast

SEED = 20181028
PEERS = Path(__file__).with_name("peers.py")
NOTHING = "nothing"
ARMS = {
    NOTHING: "nothing",
    "floor": "an empty program",
    "phases": "the probe, `phases`",
    "perf": "`perf kvm stat record`",
    "bpftrace": "bpftrace, one line",
    "kvmexit": "bcc `kvmexit`",
}
WORKLOADS = ("exit", "userspace")
SAMPLES, BATCH = 101, 100
REMOTE = """
folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT && cd "$folder" && tar -xzf - &&
/usr/bin/python3 peers.py probes home < spec.json
"""


def plan(blocks: int) -> list[dict[str, Any]]:
    """Return the runs in their order; the first block warms up and is not counted."""
    draw = random.Random(SEED)  # noqa: S311  (an order, not a secret)
    runs = []
    for block in range(-1, blocks):
        cells = [(arm, workload) for arm in ARMS for workload in WORKLOADS]
        draw.shuffle(cells)
        runs += [
            {
                "block": block,
                "workload": workload,
                "arm": arm,
                "arms": [] if arm == NOTHING else [arm],
                "options": ["--workload", workload, "--count", f"{SAMPLES}", "--batch", f"{BATCH}"],
            }
            for arm, workload in cells
        ]
    return runs


def measure(shell: list[str], runs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield what peers.py says on the host that `shell` is on, a line at a time; leave nothing.

    Raises RuntimeError when it fails there; what it said has gone to stderr.
    """
    folder = io.BytesIO()
    with tarfile.open(fileobj=folder, mode="w:gz") as tar:
        tar.add(PROBES, "probes")
        tar.add(PEERS, "peers.py")
        spec = json.dumps({"runs": runs}).encode()
        about = tarfile.TarInfo("spec.json")
        about.size = len(spec)
        tar.addfile(about, io.BytesIO(spec))
    words = [*(shell or ["sh", "-c"]), REMOTE]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as host:
        assert host.stdin
        assert host.stdout
        host.stdin.write(folder.getvalue())
        host.stdin.close()
        yield from map(json.loads, host.stdout)
    if host.returncode:
        raise RuntimeError("the host could not measure: see its words above")


def trials(
    runs: list[dict[str, Any]], rows: Iterator[dict[str, Any]]
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return ns per exit by arm, workload and block, and the arms that refused, with their words.

    `typical` is the median of a trial's batches: an exit that nothing else falls into. `mean` is
    over all of them, with whatever else ran on the vCPU's CPU.
    """
    table, refused = [], {}
    for each, row in zip(runs, rows, strict=True):
        sys.stderr.write(f"\r{each['block']} {each['arm']} {each['workload']}\033[K")
        if "refused" in row:
            refused[each["arm"]] = row["refused"]
            continue
        batches = row["guest"]["batch_ns"]
        cell = {key: each[key] for key in ("block", "workload", "arm")}
        typical, mean = (of / BATCH for of in (median(batches), sum(batches) / len(batches)))
        table.append({**cell, "typical": typical, "mean": mean})
    sys.stderr.write("\n")
    return pd.DataFrame(table), refused


def lines(table: pd.DataFrame, refused: dict[str, str]) -> Iterator[str]:
    """Yield the table in Markdown, a line for each workload and arm."""
    counted = table[table["block"] >= 0]
    yield "| workload | attached | trials | ns per exit | added, ns | ratio | ratio, all included |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: |"
    for workload in WORKLOADS:
        by_arm = {
            arm: rows.set_index("block")
            for arm, rows in counted[counted["workload"] == workload].groupby("arm")
        }
        for arm, title in ARMS.items():
            if arm in refused:
                yield f"| {workload} | {title} | refused | | | | |"
                continue
            typical, mean = (
                contrast(by_arm[arm][column], by_arm[NOTHING][column])
                for column in ("typical", "mean")
            )
            assert typical
            assert mean
            own = by_arm[arm]["typical"].median()
            cells = _cells(arm, typical, mean)
            yield f"| {workload} | {title} | {typical.n} | {own:,.1f} | {cells}"


def _cells(arm: str, typical: Contrast, mean: Contrast) -> str:
    if arm == NOTHING:
        return " | 1 | 1 |"
    assert typical.ratio
    assert mean.ratio
    return (
        f"{_said(typical.difference, ',.1f')} | {_said(typical.ratio, '.3f')} | "
        f"{_said(mean.ratio, '.3f')} |"
    )


def _said(estimate: Estimate, form: str) -> str:
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:{form}}"
    return f"{estimate.value:{form}} [{estimate.low:{form}}, {estimate.high:{form}}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--blocks", type=int, default=11)
    parser.add_argument("shell", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    runs = plan(given.blocks)
    rows = measure(given.shell, runs)
    about = next(rows)
    table, refused = trials(runs, rows)
    versions = ", ".join(version for version in about.pop("versions").values() if version)
    sys.stdout.write(f"{shlex.join(map(str, about.values()))}; {versions}\n\n")
    sys.stdout.writelines(f"{line}\n" for line in lines(table, refused))
    sys.stdout.writelines(f"\n{ARMS[arm]}: {why}\n" for arm, why in refused.items())


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as error:
        sys.exit(str(error))
