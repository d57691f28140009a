"""Doubts about the host as a whole, from its facts and its part of the manifest."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from lab.doubts.model import Found, Grade, Rows, states
from lab.facts import cpu_count
from lab.store.read import Run

HARDWARE = "hardware"
OWN_LOAD = 2
"""What a run itself adds to the load: the vCPU, and the agent that reads the probes."""


def state(run: Run, host: str, rows: Rows) -> Iterator[Found]:
    entry = run.manifest["hosts"][host]
    planned = len(run.plan["hosts"].get(host, []))
    if entry["state"] != "complete":
        error = f": {entry['error']}" if entry.get("error") else ""
        yield Found(
            Grade.DOUBT if rows else Grade.DISTRUST,
            f"the host is {entry['state']}, with {len(rows)} of {planned} trials{error}",
            f"kvmlab run --resume {run.name}",
        )


def clock(run: Run, host: str, _rows: Rows) -> Iterator[Found]:
    facts = run.facts(host)
    clock = facts.get("clock_class")
    if facts and clock != HARDWARE:
        why = facts.get("clock_class_reason") or "no reason is recorded"
        yield Found(
            Grade.DOUBT,
            f"this host's clock class is {clock} ({why}): compare its settings with one another, "
            "never its nanoseconds with another host's",
            "for nanoseconds, measure on hardware",
        )


def boots(run: Run, _host: str, rows: Rows) -> Iterator[Found]:
    """Tell where fewer boots were had than groups of blocks that wanted one."""
    wanted = len({row.get("boot_group", 0) for row in rows})
    had = len({row["boot_id"] for row in rows if row.get("boot_id")})
    if run.plan.get("boots", 1) > 1 and had < wanted:
        yield Found(
            Grade.DOUBT,
            f"{wanted} groups of blocks wanted a boot each, and ran in {had}: what a boot decides "
            "(memory layout, which CPU interrupts go to) is the same in all of them",
            "set kvmlab_reboot: true for the host if the lab may reboot it",
        )


def load(run: Run, host: str, rows: Rows) -> Iterator[Found]:
    facts = run.facts(host)
    before, cpus = facts.get("load_1m"), cpu_count(facts.get("cpus_online"))
    remedy = "end what else runs on the host, and run again"
    if before is not None and cpus and before > cpus / 2:
        yield Found(
            Grade.DOUBT,
            f"the host was busy before the run: load {before:.1f} on {cpus} CPUs",
            remedy,
        )
    if cpus and (seen := states(rows, "load_1m")):
        during = median(float(row["host_state"]["load_1m"]) for row in seen)
        if during - OWN_LOAD > cpus / 2:
            yield Found(
                Grade.DISTRUST if during - OWN_LOAD > cpus else Grade.DOUBT,
                f"the host was busy during the run: load {during:.1f} on {cpus} CPUs, of which the "
                f"run itself makes {OWN_LOAD} at most",
                remedy,
            )


def other_vms(run: Run, host: str, rows: Rows) -> Iterator[Found]:
    others = run.facts(host).get("foreign_vms")
    if others:
        turned = any(knob.startswith("host.") for row in rows for knob in row["setting"])
        yield Found(
            Grade.DISTRUST if turned else Grade.DOUBT,
            f"{len(others)} other VM{'' if len(others) == 1 else 's'} ran on the host and shared "
            "its knobs",
            "end them, and run without --allow-foreign-vms",
        )


def tuning(run: Run, host: str, _rows: Rows) -> Iterator[Found]:
    for fact in run.facts(host).get("tuning", []):
        asked = f"{fact['tuning']}={fact['value']}"
        remedy = f"take {fact['tuning']} out of kvmlab_tuning, or give the host what it lacks"
        if fact["status"] != "ok":
            text = f"{asked} was asked for and is not in force: {fact['reason']}"
            yield Found(Grade.DOUBT, text, remedy)
        elif fact["reason"]:
            text = f"{asked} is in force in part: {fact['reason']}"
            yield Found(Grade.DOUBT, text, remedy)
