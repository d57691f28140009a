"""One interval of running VMs as tables for people."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lab.labels import NONE, nanoseconds
from lab.trial.histogram import merge, quantile

Document = dict[str, Any]

PHASES = ("guest", "handling", "run_overhead", "userspace", "polled", "blocked", "preempted")
OUTCOMES = ("hit", "late_hit", "miss", "no_poll", "instant", "unknown")
SECOND = 1e9


def view(document: Document) -> RenderableType:
    """Return one host's interval as a block of tables; the VMs in the order of their pids."""
    head = Text(f"{document['host']}  {document['at']}  {document['duration_ns'] / SECOND:.2f} s")
    if document["dropped"]:
        head.append(f"  {document['dropped']} samples found no room", style="red")
    if not document["vms"]:
        head.append("  no VM runs")
    parts: list[RenderableType] = [head]
    notes: dict[str, list[str]] = defaultdict(list)
    for vm in sorted(document["vms"], key=lambda vm: int(vm["pid"])):
        parts += _vm(vm, document["duration_ns"])
        for what, why in vm["not_visible"].items():
            if what not in notes[why]:
                notes[why].append(what)
    parts += [
        Text(f"not visible: {', '.join(what)}: {why}", style="dim") for why, what in notes.items()
    ]
    return Group(*parts, "")


def waste_ns(vcpu: Document) -> int:
    """Time polled in vain, ns: whole windows before a sleep, and polls that ended too late."""
    sums = vcpu["halts"]["sums_ns"]
    return int(sums["miss_poll"] + sums["late_hit"])


def exits(vm: Document) -> list[dict[str, Any]]:
    """Return the exits of a VM by class, the dearest first: count, ns, and p50 and p99 in ns."""
    counts: dict[str, int] = defaultdict(int)
    sums: dict[str, int] = defaultdict(int)
    buckets: dict[str, list[Any]] = defaultdict(list)
    for vcpu in vm["vcpus"]:
        for row in vcpu["exits"]:
            counts[row["class"]] += row["count"]
            sums[row["class"]] += row["handling_ns"]
        for histogram in vcpu["histograms"]:
            if histogram["phase"] == "handling":
                buckets[histogram["class"]].append(histogram["buckets"])
    rows = [
        {
            "class": name,
            "count": counts[name],
            "ns": sums[name],
            "p50": quantile(merge(*buckets[name]), 0.5),
            "p99": quantile(merge(*buckets[name]), 0.99),
        }
        for name in counts
    ]
    return sorted(rows, key=lambda row: -row["ns"])


def _vm(vm: Document, duration_ns: int) -> list[RenderableType]:
    title = Text(f"{vm['name']} (pid {vm['pid']})", style="bold")
    if vm["state"] == "ended":
        title.append("  ended", style="red")
    if vm["silent"]:
        title.append(f"  {vm['silent']} vCPUs without an event so far", style="dim")
    parts: list[RenderableType] = [title]
    if vm["vcpus"]:
        parts += [_phases(vm), _halts(vm, duration_ns)]
    if rows := exits(vm):
        parts.append(_exits(rows, vm, duration_ns))
    if vm["statistics"] and "halt_poll_fail_ns" in vm["statistics"]:
        wasted = vm["statistics"]["halt_poll_fail_ns"]
        parts.append(Text(f"polled in vain by KVM's own statistics: {nanoseconds(wasted)}"))
    return parts


def _phases(vm: Document) -> Table:
    table = _table("vCPU", *(name.replace("_overhead", "") for name in PHASES), "?")
    for vcpu in vm["vcpus"]:
        account = vcpu["account"]
        wall = account["wall_ns"]
        shares = [_share(account["phases"][name], wall) for name in PHASES]
        table.add_row(_name(vcpu), *shares, _share(account["unattributed_ns"], wall))
    return table


def _halts(vm: Document, duration_ns: int) -> Table:
    table = _table("vCPU", "halts/s", *OUTCOMES, "wasted")
    for vcpu in vm["vcpus"]:
        halts = vcpu["halts"]
        shares = [_share(halts["outcomes"][name], halts["halts"]) for name in OUTCOMES]
        wasted = _share(waste_ns(vcpu), vcpu["account"]["wall_ns"])
        table.add_row(_name(vcpu), _rate(halts["halts"], duration_ns), *shares, wasted)
    return table


def _exits(rows: list[dict[str, Any]], vm: Document, duration_ns: int) -> Table:
    wall = sum(vcpu["account"]["wall_ns"] for vcpu in vm["vcpus"])
    table = _table("exits", "per s", "of time", "p50", "p99")
    for row in rows:
        table.add_row(
            row["class"],
            _rate(row["count"], duration_ns),
            _share(row["ns"], wall),
            *(NONE if row[p] is None else nanoseconds(row[p]) for p in ("p50", "p99")),
        )
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(first, min_width=12, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _name(vcpu: Document) -> str:
    return str(vcpu["thread"] or vcpu["tid"] if vcpu["vcpu"] is None else vcpu["vcpu"])


def _share(part: float | None, whole: float) -> str:
    if part is None or not whole:
        return NONE
    # Polling in progress at the end of an interval is told one interval later.
    return f"{100 * max(part, 0) / whole:.1f} %"


def _rate(count: int, duration_ns: int) -> str:
    return f"{count * SECOND / duration_ns:.0f}"
