from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest

from lab.doubts import FINDERS, Doubt, Grade, check, doubts, worst
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
    "frequency": (
        lambda r: r["host_state"].update(frequency_khz=2_700_000),
        "ran at 2.70 to 3.00 GHz",
    ),
    "throttling": (
        lambda r: r["host_state"].update(throttles=3),
        "slowed the vCPU's CPU down 3 times in 1 trial",
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


def with_rows(run: Run, change: Callable[[Document], object], share: float = 1.0) -> Run:
    """Return the run with a share of its trials changed, spread over the whole of it."""
    rows = [deepcopy(row) for row in run.rows["synthetic"]]
    for number, row in enumerate(rows):
        if int(number * share) < int((number + 1) * share):
            change(row)
    return Run(run.path, run.manifest, run.plan, {"synthetic": tuple(rows)})


def of_kind(run: Run, kind: str) -> Doubt:
    (found,) = (each for each in check(run) if each.kind == kind)
    return found


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("preemption", lambda r: r["guest"]["switches"].update(involuntary=50)),
        ("steal", lambda r: r["host_state"].update(steal_ticks=4)),
        ("throttling", lambda r: r["host_state"].update(throttles=3)),
        ("cut short", lambda r: r["guest"].update(completed=1)),
    ],
)
def test_what_few_trials_have_is_a_doubt_and_what_many_have_spoils_the_run(
    run: Run, kind: str, change: Callable[[Document], object]
) -> None:
    assert of_kind(with_rows(run, change, 0.1), kind).grade is Grade.DOUBT
    assert of_kind(with_rows(run, change, 0.9), kind).grade is Grade.DISTRUST


def test_every_respect_is_graded_once_and_names_its_remedy(run: Run) -> None:
    found = check(run)
    assert [each.kind for each in found] == list(FINDERS)
    unseen = {"migration", "two modes", "A/A"}
    assert {each.kind for each in found if each.grade is Grade.UNSEEN} == unseen
    assert all(each.text and each.remedy for each in found if each.grade is not Grade.FINE)
    assert [each for each in found if each.grade is Grade.DOUBT] == doubts(run)


def test_what_an_old_run_did_not_keep_is_not_visible_rather_than_fine(run: Run) -> None:
    old = with_rows(run, lambda r: r.update(host_state={"steal_ticks": 0}))
    for kind in ("frequency", "throttling"):
        assert of_kind(old, kind).grade is Grade.UNSEEN


def test_migrations_are_seen_with_the_probe_of_phases(phased: Run) -> None:
    def move(row: Document) -> None:
        for vcpu in (row["phases"] or {"vcpus": []})["vcpus"]:
            vcpu["migrations"] = 2

    assert of_kind(phased, "migration").grade is Grade.FINE
    (host,) = phased.rows
    rows = [deepcopy(row) for row in phased.rows[host]]
    for row in rows:
        move(row)
    moved = Run(phased.path, phased.manifest, phased.plan, {host: tuple(rows)})
    assert of_kind(moved, "migration").grade is Grade.DISTRUST


def test_a_drift_of_the_reference_is_seen_and_its_size_graded(run: Run) -> None:
    def slow(row: Document) -> None:
        factor = 1 + row["trial"] / len(run.rows["synthetic"])
        name = "latency_ns" if "latency_ns" in row["guest"] else "batch_ns"
        row["guest"][name] = [int(each * factor) for each in row["guest"][name]]

    assert of_kind(run, "drift").grade is Grade.FINE
    drifting = [each for each in check(with_rows(run, slow)) if each.kind == "drift"]
    assert {each.grade for each in drifting} == {Grade.DISTRUST}
    assert "from the first trial to the last" in drifting[0].text


def test_trials_of_two_kinds_are_a_doubt_also_where_nothing_is_compared(tmp_path: Path) -> None:
    only = [synthetic.REFERENCE]
    folder = synthetic.write_run(
        tmp_path, settings=only, workloads=[synthetic.FIXED_150US], blocks=12
    )
    run = read_run(folder)
    assert of_kind(run, "two modes").grade is Grade.FINE

    def slow(row: Document) -> None:
        if row["block"] % 3 == 0:
            row["guest"]["latency_ns"] = [2 * each for each in row["guest"]["latency_ns"]]

    found = of_kind(with_rows(run, slow), "two modes")
    assert found.grade is Grade.DOUBT
    assert found.text.startswith("trials of fixed-150us at vm.halt_poll_ns=200000 fall into two")


def test_equal_arms_that_differ_are_a_doubt(tmp_path: Path) -> None:
    folder = synthetic.write_run(tmp_path, workloads=[synthetic.FIXED_150US], blocks=8, aa=True)
    run = read_run(folder)
    assert of_kind(run, "A/A").grade is Grade.FINE

    def slow(row: Document) -> None:
        if row["aa"]:
            row["guest"]["cpu"]["vcpu_ns"] *= 2

    found = of_kind(with_rows(run, slow), "A/A")
    assert found.grade is Grade.DOUBT
    assert found.text.startswith("two equal arms differ by +1")
    assert "cpu_ns_per_wakeup of fixed-150us" in found.text


def test_fewer_boots_than_wanted_are_said(run: Run) -> None:
    def group(row: Document) -> None:
        row["boot_group"] = max(row["block"], 0) // 2

    plan = {**run.plan, "boots": 3}
    one = with_rows(run, group)
    assert of_kind(one, "boots").grade is Grade.FINE
    found = of_kind(Run(run.path, run.manifest, plan, one.rows), "boots")
    assert found.grade is Grade.DOUBT
    assert "3 groups of blocks wanted a boot each, and ran in 1" in found.text
    fresh = with_rows(one, lambda r: r.update(boot_id=f"boot-{r['boot_group']}"))
    assert of_kind(Run(run.path, run.manifest, plan, fresh.rows), "boots").grade is Grade.FINE


@pytest.mark.parametrize(
    ("load", "grade"), [(2.5, Grade.FINE), (3.5, Grade.DOUBT), (5.0, Grade.DISTRUST)]
)
def test_load_during_the_run_is_graded(run: Run, load: float, grade: Grade) -> None:
    busy = with_rows(run, lambda row: row["host_state"].update(load_1m=load))
    assert of_kind(busy, "load").grade is grade


def test_the_gravest_grade_is_the_hosts() -> None:
    assert worst([Grade.FINE, Grade.UNSEEN]) is Grade.FINE
    assert worst([Grade.DOUBT, Grade.FINE]) is Grade.DOUBT
    assert worst([Grade.DISTRUST, Grade.DOUBT]) is Grade.DISTRUST


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
