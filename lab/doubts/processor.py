"""Doubts about the processor the vCPU ran on: who else had it, and how fast it was."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from lab.doubts.model import Found, Grade, Rows, by_share, measured, states, trials
from lab.store.read import Run

OFTEN = 0.01
"""Involuntary switches by samples."""
STOLEN = 0.01
"""Ticks stolen by all ticks, from which the hypervisor below is part of the result."""
UNEVEN, WILD = 0.05, 0.20
"""Spread of the frequency by its median: worth a doubt, and none any more."""
ISOLATE = "keep the CPU free: kvmlab_tuning: {isolation: on} in the inventory"


def preempted(_run: Run, _host: str, rows: Rows) -> Iterator[Found]:
    counted = measured(rows)
    often = [
        row
        for row in counted
        if row["guest"]["switches"]["involuntary"] > OFTEN * max(row["guest"]["completed"], 1)
    ]
    if often:
        most = max(often, key=lambda row: int(row["guest"]["switches"]["involuntary"]))
        switches, completed = most["guest"]["switches"]["involuntary"], most["guest"]["completed"]
        yield Found(
            by_share(often, counted),
            f"other tasks took the vCPU's CPU in {trials(often)}, at worst {switches} times in "
            f"{completed} samples (trial {most['trial']})",
            ISOLATE,
        )


def migrated(_run: Run, _host: str, rows: Rows) -> Iterator[Found]:
    seen = [row for row in measured(rows) if row.get("phases")]
    moved = [row for row in seen if any(each["migrations"] for each in row["phases"]["vcpus"])]
    if not seen:
        yield Found(
            Grade.UNSEEN,
            "only the probe of phases counts migrations",
            'put "phases" among the experiment\'s probes',
        )
    elif moved:
        number = sum(each["migrations"] for row in moved for each in row["phases"]["vcpus"])
        yield Found(
            by_share(moved, seen),
            f"vCPUs came back on another CPU {number} times in {trials(moved)}",
            "give the host a second CPU: the agent then pins the vCPU to one of its own",
        )


def stolen(_run: Run, _host: str, rows: Rows) -> Iterator[Found]:
    losing = [row for row in states(rows, "steal_ticks") if row["host_state"]["steal_ticks"]]
    if losing:
        ticks = sum(row["host_state"]["steal_ticks"] for row in losing)
        share = ticks / sum(_ticks(row["host_state"]) for row in states(rows, "steal_ticks"))
        yield Found(
            Grade.DISTRUST if share > STOLEN else Grade.DOUBT,
            f"a hypervisor below stole CPU time from {trials(losing)}, {ticks} ticks in all "
            f"({100 * share:.2g} % of the time)",
            "use a host that is no guest itself, or one with CPUs of its own",
        )


def _ticks(state: dict[str, int]) -> int:
    return sum(state[f"{kind}_ticks"] for kind in ("busy", "idle", "irq", "steal"))


def frequency(_run: Run, _host: str, rows: Rows) -> Iterator[Found]:
    seen = [row["host_state"]["frequency_khz"] for row in states(rows, "frequency_khz")]
    known = [each for each in seen if each]
    if not known:
        yield Found(
            Grade.UNSEEN,
            "the host does not tell its CPU's frequency",
            "use a host with a cpufreq driver",
        )
        return
    spread = (max(known) - min(known)) / median(known)
    if spread > UNEVEN:
        yield Found(
            Grade.DISTRUST if spread > WILD else Grade.DOUBT,
            f"the vCPU's CPU ran at {min(known) / 1e6:.2f} to {max(known) / 1e6:.2f} GHz, by trial",
            "set kvmlab_tuning: {governor: performance} in the inventory, and switch boost off",
        )


def throttled(_run: Run, _host: str, rows: Rows) -> Iterator[Found]:
    seen = [row for row in states(rows, "throttles") if row["host_state"]["throttles"] is not None]
    hot = [row for row in seen if row["host_state"]["throttles"]]
    if not seen:
        yield Found(
            Grade.UNSEEN,
            "the host does not count when heat slows its CPUs down",
            "read the machine's own sensors",
        )
    elif hot:
        times = sum(row["host_state"]["throttles"] for row in hot)
        yield Found(
            by_share(hot, seen),
            f"heat slowed the vCPU's CPU down {times} times in {trials(hot)}",
            "see to the machine's cooling, or switch boost off",
        )
