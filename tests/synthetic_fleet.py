"""A synthetic run of hosts of four architectures that do not agree on what polling does.

Two x86 hosts and an arm64 one behave as `tests.synthetic` says; on z polling saves nothing, as it
did when floating interrupts made every poll look like a success; p9 does not poll.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lab.store.read import read_rows
from tests import synthetic
from tests.synthetic import Document

ARCHITECTURES = {
    "xeon": "x86_64",
    "epyc": "x86_64",
    "altra": "aarch64",
    "z16": "s390x",
    "p9": "ppc64le",
}
HIT_NS = 4_000
INERT = "KVM-HV on POWER9 and later sends a vCPU that halts to sleep without polling"


def write_fleet(
    store: Path,
    name: str = "20260102-000000-synthetic",
    *,
    clocks: dict[str, str] | None = None,
    workloads: Sequence[Document] = (synthetic.FIXED_30US, synthetic.EXPONENTIAL_100US),
    blocks: int = 6,
    seed: int = 20181024,
) -> Path:
    """Write the run; `clocks` maps hosts to clock classes other than hardware."""
    run = synthetic.write_run(
        store,
        name,
        hosts=dict.fromkeys(ARCHITECTURES, "hardware") | (clocks or {}),
        architectures=ARCHITECTURES,
        workloads=workloads,
        blocks=blocks,
        seed=seed,
    )
    for host, change in (("z16", _no_gain), ("p9", _inert)):
        path = run / f"{host}.jsonl.gz"
        synthetic.write_rows(run, host, [change(row) for row in read_rows(path)])
    return run


def _no_gain(row: Document) -> Document:
    """Make a wake-up that polling caught as late as one from sleep."""
    latency = row["guest"]["latency_ns"]
    row["guest"]["latency_ns"] = [v * 7 // 2 if v < HIT_NS else v for v in latency]
    return row


def _inert(row: Document) -> Document:
    return {**row, "status": "inert", "reason": INERT}
