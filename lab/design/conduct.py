"""A run from its first stage to its last: reboot, execute, look, go on; each end in the manifest.

What is known of a host is its rows and the looks in the manifest. Where it goes on follows from
these alone, so that a run whose controller was killed is resumed by conducting it again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lab.design import looks, plan, stages
from lab.fleet import drive
from lab.fleet.progress import Listener
from lab.store.folder import RunFolder
from lab.store.layout import rows_file
from lab.store.read import Run, read_rows

Looked = Callable[[str, looks.Look], None]
Staged = Callable[[Mapping[str, int]], None]


def conduct(
    folder: RunFolder,
    inventory: Path,
    *,
    provision: bool,
    allow_foreign_vms: bool,
    on_stage: Staged,
    on_look: Looked,
    on_progress: Listener,
) -> None:
    """Run what is left of a run on all its hosts; what becomes of each is in the manifest.

    `on_stage` is told how many trials each host will then have, `on_look` what was found and
    decided. Raises UsageError and FleetError as `drive.execute` does, and drive.Interrupted when
    all that came in is recorded.
    """
    hosts, provisioned = folder.unfinished(), not provision
    while ahead := _ahead(folder, hosts, on_look):
        rebooted = _reboot(folder, inventory, ahead, provision=provision, on_progress=on_progress)
        able = {host: blocks for host, blocks in ahead.items() if host not in rebooted}
        hosts = list(able)
        if not able:
            return
        through = {
            host: stages.through(folder.plan["hosts"][host], blocks)
            for host, blocks in able.items()
        }
        on_stage(through)
        plans = {
            host: plan.for_host(folder.plan, host, allow_foreign_vms=allow_foreign_vms)
            for host in able
        }
        try:
            outcomes = drive.execute(
                plans,
                folder.path,
                inventory,
                through=through,
                provision=not provisioned,
                on_progress=on_progress,
            )
        except drive.Interrupted as interruption:
            _record(folder, interruption.outcomes)
            raise
        hosts, provisioned = _record(folder, outcomes), True


def _record(folder: RunFolder, outcomes: Mapping[str, drive.Outcome]) -> list[str]:
    """Record how a stage ended, and return the hosts that can go on."""
    for host, outcome in outcomes.items():
        # Whether the run is complete there is decided before the next stage.
        state = "running" if outcome.state == "complete" else outcome.state
        folder.host(host, state, outcome.error, outcome.facts)
    return [host for host, outcome in outcomes.items() if outcome.state == "complete"]


def _ahead(folder: RunFolder, hosts: list[str], on_look: Looked) -> dict[str, int]:
    """Return how many blocks each host is to have after the next stage, but for those at an end."""
    found = {}
    for host in hosts:
        blocks = _next(folder, host, on_look)
        if blocks is None:
            folder.host(host, "complete", None, None)
        else:
            found[host] = blocks
    return found


def _next(folder: RunFolder, host: str, on_look: Looked) -> int | None:
    """Look as often as there are rows to look at; None when the host has all it needs."""
    trials = folder.plan["hosts"][host]
    entry = folder.manifest["hosts"][host]
    rows = _rows(folder, host)
    done = stages.whole_blocks(trials, (row["trial"] for row in rows))
    looked = entry.get("looks", [])
    wanted: int | None = looked[-1]["next"] if looked else stages.first_blocks(folder.plan, host)
    # Rows without facts: the controller died between fetching the ones and recording the others.
    while wanted is not None and done >= wanted and entry["facts"]:
        if not folder.plan.get("stop"):
            return None
        run = Run(folder.path, folder.manifest, folder.plan, {host: rows})
        found = looks.look(run, host, done)
        folder.looked(host, found.record())
        on_look(host, found)
        wanted = found.next
    if wanted is None or done >= wanted:
        return wanted
    if folder.plan.get("reboot", {}).get(host):
        return stages.until_reboot(trials, done, wanted)
    return wanted


def _rows(folder: RunFolder, host: str) -> tuple[dict[str, Any], ...]:
    path = rows_file(folder.path, host)
    return read_rows(path) if path.is_file() else ()


def _reboot(
    folder: RunFolder,
    inventory: Path,
    ahead: Mapping[str, int],
    *,
    provision: bool,
    on_progress: Listener,
) -> dict[str, drive.Outcome]:
    """Give a fresh boot to the hosts that begin a group of blocks; return who had trouble."""
    used: dict[str, list[str]] = {}
    for host, blocks in ahead.items():
        trials = folder.plan["hosts"][host]
        if folder.plan.get("reboot", {}).get(host):
            boots = stages.earlier_boots(trials, _rows(folder, host), blocks - 1)
            used |= {host: boots} if boots else {}
    if not used:
        return {}
    log = folder.path / "ansible.log"
    try:
        outcomes = drive.reboot(
            used, inventory, provision=provision, on_progress=on_progress, log=log
        )
    except drive.Interrupted as interruption:
        _record(folder, interruption.outcomes)
        raise
    _record(folder, outcomes)
    return {host: outcome for host, outcome in outcomes.items() if outcome.state != "complete"}
