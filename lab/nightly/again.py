"""What a night suspects, run again: only those cells and their reference, on fresh VMs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeAlias

from lab.alerts import Alert
from lab.design.experiment import Experiment
from lab.detect import Finding, State
from lab.fleet import drive
from lab.fleet.progress import ignore
from lab.history.key import SeriesKey
from lab.labels import setting_label
from lab.nightly.config import Config
from lab.store.folder import RunFolder
from lab.store.layout import Document, rows_file
from lab.store.read import read_rows

Cells: TypeAlias = dict[str, list[list[str]]]
"""For each host, pairs of a setting's label and a workload's name."""


def suspects(open_alerts: Iterable[Alert]) -> dict[str, Cells]:
    """Return the cells that alerts are about, by experiment."""
    found: dict[str, Cells] = {}
    for alert in open_alerts:
        for change in alert.changes:
            mine = found.setdefault(change.series.experiment, {})
            pairs = mine.setdefault(change.series.host, [])
            if (pair := [change.series.setting, change.series.workload]) not in pairs:
                pairs.append(pair)
    return found


def repetition(question: Experiment, blocks: int) -> Experiment:
    """Return an experiment to repeat some of its cells: no arms but settings, and to the end."""
    return question.model_copy(
        update={"blocks": blocks, "boots": 1, "stop": None, "overhead": False, "aa": False}
    )


def reduced(plan: Document, cells: Cells) -> Document:
    """Leave in a plan the cells named, the reference of their workloads, and their warm-ups."""
    reference = setting_label(plan["reference"])
    hosts = {}
    for host, trials in plan["hosts"].items():
        if host not in cells:
            continue
        workloads = {workload for _, workload in cells[host]}
        wanted = {*map(tuple, cells[host]), *((reference, name) for name in workloads)}
        kept = [each for each in trials if _cell(each) in wanted]
        hosts[host] = _numbered(kept)
    return {**plan, "hosts": hosts}


def fresh_boot(folder: RunFolder, config: Config, earlier: Mapping[str, list[str]]) -> None:
    """Reboot the hosts that may be, unless they are in another boot than those of `earlier` runs.

    A host that does not come back has its trouble in the run's manifest, and is not asked again.
    """
    used = {
        host: boots
        for host, boots in earlier.items()
        if folder.plan["reboot"].get(host) and not rows_file(folder.path, host).is_file()
    }
    if not used:
        return
    outcomes = drive.reboot(
        used,
        config.inventory,
        provision=config.file.provision,
        on_progress=ignore,
        log=folder.path / "ansible.log",
    )
    for host, outcome in outcomes.items():
        if outcome.state != "complete":
            folder.host(host, outcome.state, outcome.error, None)


def boots(folder: RunFolder) -> dict[str, list[str]]:
    """Return the boots that the trials of a run ran in, by host."""
    files = {host: rows_file(folder.path, host) for host in folder.plan["hosts"]}
    return {
        host: sorted({row["boot_id"] for row in read_rows(file)})
        for host, file in files.items()
        if file.is_file()
    }


def evidence(
    alert: Alert, found: Mapping[SeriesKey, Finding], repeated: Collection[SeriesKey]
) -> tuple[bool, str] | None:
    """Say whether an alert stands after its cells were run again; None when none of them was.

    `found` is what the judges see with the repetition, `repeated` the series that has trials of it.
    It stands when the judges confirm one of them.
    """
    again = [change.series for change in alert.changes if change.series in repeated]
    if not again:
        return None
    confirmed = [key for key in again if key in found and found[key].state is State.CONFIRMED]
    return bool(confirmed), (
        f"{len(confirmed)} of {len(again)} series that were run again on fresh VMs show it"
    )


def _cell(trial: Mapping[str, Any]) -> tuple[str, str]:
    return setting_label(trial["setting"]), trial["workload"]["name"]


def _numbered(trials: list[Document]) -> list[Document]:
    """Give trials numbers in the order they run, and positions within their blocks."""
    position: dict[int, int] = {}
    found = []
    for number, trial in enumerate(trials):
        place = position.setdefault(trial["block"], 0)
        position[trial["block"]] += 1
        found.append({**trial, "trial": number, "position": place})
    return found
