from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest

from lab.doubts import doubts
from lab.store.layout import Document
from lab.store.read import Run, read_run
from tests import synthetic


def changed(run: Run, change: Callable[[Document], object]) -> Run:
    """Return the run with one trial changed."""
    rows = [deepcopy(row) for row in run.rows["synthetic"]]
    change(next(row for row in rows[10:] if row["haltpoll"] and row["haltpoll"]["window_changes"]))
    return Run(run.path, run.manifest, run.plan, {"synthetic": tuple(rows)})


def kinds(run: Run) -> set[str]:
    return {doubt.kind for doubt in doubts(run)}


def test_a_clean_run_has_only_the_overhead_that_nobody_measured(run: Run) -> None:
    assert kinds(run) == {"overhead"}


CHANGES: dict[str, tuple[Callable[[Document], object], str]] = {
    "lost events": (
        lambda r: r["haltpoll"].update(lost=9),
        "9 streamed events were lost in 1 trial",
    ),
    "preemption": (
        lambda r: r["guest"]["switches"].update(involuntary=50),
        "at worst 50 times in 200",
    ),
    "steal": (
        lambda r: r["host_state"].update(steal_ticks=4),
        "stole CPU time from 1 trial, 4 ticks",
    ),
    "lost requests": (
        lambda r: r["guest"].update(requests={"sent": 200, "lost": 7}, completed=193),
        "7 of 200 requests had no reply in 1 trial",
    ),
    "cut short": (
        lambda r: r["guest"].update(completed=199),
        "before its last sample in 1 trial",
    ),
    "counter": (
        lambda r: r["guest"]["counter"].update(calibrated_hz=1.01e9),
        "1% off the rate KVM states in 1 trial, beyond",
    ),
    "not effective": (
        lambda r: r.update(effective={synthetic.KNOB: 123}),
        "read back another value than was set, first trial",
    ),
    "not measured": (
        lambda r: r.update(status="failed", reason="the VMM died", guest=None, haltpoll=None),
        "1 trial failed (vm.halt_poll_ns=",
    ),
    "cross-check": (
        lambda r: r["guest"]["stats"]["vcpu"][0].update(halt_attempted_poll=10_000),
        "the probe missed halts: polls begun differ in 1 trial",
    ),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_each_trouble_is_said(run: Run, kind: str) -> None:
    change, text = CHANGES[kind]
    found = {doubt.kind: doubt.text for doubt in doubts(changed(run, change))}
    assert found.keys() == {"overhead", kind}
    assert text in found[kind].replace(" %", "%")


def test_a_host_that_did_not_finish_is_said(spoilt: Path) -> None:
    manifest = json.loads((spoilt / "manifest.json").read_text())
    manifest["hosts"]["synthetic"] |= {"state": "partial", "error": "the connection was lost"}
    facts = manifest["hosts"]["synthetic"]["facts"]
    facts |= {"clock_class": "nested", "clock_class_reason": "hypervisor flag", "load_1m": 1.5}
    facts["foreign_vms"] = [1, 2]
    (spoilt / "manifest.json").write_text(json.dumps(manifest))
    run = read_run(spoilt)
    planned = len(run.plan["hosts"]["synthetic"])
    texts = [doubt.text for doubt in doubts(run)]
    assert (
        f"the host is partial, with {planned} of {planned} trials: the connection was lost" in texts
    )
    assert any("clock class is nested (hypervisor flag)" in text for text in texts)
    assert "the host was busy before the run: load 1.5 on 2 CPUs" in texts
    assert "2 other VMs ran on the host and shared its knobs" in texts


def test_tuning_that_is_not_in_force_is_said(run: Run) -> None:
    manifest = deepcopy(run.manifest)
    manifest["hosts"]["synthetic"]["facts"]["tuning"] = [
        {"tuning": "thp", "value": "never", "status": "ok", "reason": None},
        {"tuning": "smt", "value": "off", "status": "missing", "reason": "there is none"},
        {"tuning": "isolation", "value": "on", "status": "ok", "reason": "arch_timer stays"},
    ]
    found = doubts(Run(run.path, manifest, run.plan, run.rows))
    assert [doubt.text for doubt in found if doubt.kind == "tuning"] == [
        "smt=off was asked for and is not in force: there is none",
        "isolation=on is in force in part: arch_timer stays",
    ]
