"""Breaks of series: seen by the lab, said by people, and taken back."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.errors import UsageError
from lab.history import breaks
from lab.history.key import SeriesKey
from lab.history.runs import publish
from lab.history.store import Store
from tests import synthetic
from tests.lab.history import nights

Change = Callable[[dict[str, Any]], None]
KEY = SeriesKey("synthetic", "hardware", "synthetic", "s", "fixed-30us", "wakeup_p50_ns")


@pytest.fixture
def local(tmp_path: Path) -> Store:
    return Store.make(str(tmp_path / "store"), "synthetic", tmp_path / "cache")


def setting(name: str, value: Any) -> Change:
    def change(facts: dict[str, Any]) -> None:
        facts[name] = value

    return change


def parameter(value: str, kernel: str | None = None) -> Change:
    def change(facts: dict[str, Any]) -> None:
        facts["kvm"]["parameters"]["kvm.halt_poll_ns"] = value
        facts["kernel"] = kernel or facts["kernel"]

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (setting("probes_sha256", "1" * 64), [("probes", True)]),
        (setting("mitigations", {"spectre_v2": "Vulnerable"}), [("mitigation spectre_v2", True)]),
        (setting("clock_class", "nested"), [("clock class", True)]),
        (setting("kernel", "6.19.0"), [("kernel", False)]),
        (setting("governor", "performance"), []),
        (parameter("0"), [("parameter kvm.halt_poll_ns", False)]),
        (
            parameter("0", "6.19.0"),
            [("default of parameter kvm.halt_poll_ns", True), ("kernel", False)],
        ),
        (setting("boot_id", "another"), []),
    ],
)
def test_what_changed_between_two_nights_is_seen(
    local: Store, tmp_path: Path, change: Change, said: list[tuple[str, bool]]
) -> None:
    nights.add(local, tmp_path, 0)
    nights.add(local, tmp_path, 1, change)
    nights.add(local, tmp_path, 2, change)
    found = breaks.breaks(local)
    assert sorted((each.what, each.restarts) for each in found) == said
    assert {(each.night, each.host, each.by) for each in found} <= {
        (nights.name(1), "synthetic", "kvmlab")
    }
    assert all(each.concerns(KEY) for each in found)


def test_a_workload_defined_anew_breaks_its_own_series_only(local: Store, tmp_path: Path) -> None:
    longer = {**synthetic.FIXED_30US, "count": 300}
    nights.add(local, tmp_path, 0, workloads=[synthetic.FIXED_30US, synthetic.FIXED_150US])
    nights.add(local, tmp_path, 1, workloads=[longer, synthetic.FIXED_150US])
    (found,) = breaks.breaks(local)
    assert found.restarts
    assert found.text == "workload fixed-30us of synthetic is defined anew"
    assert found.concerns(KEY)
    assert not found.concerns(
        SeriesKey("synthetic", "hardware", "synthetic", "s", "fixed-150us", "wakeup_p50_ns")
    )


def test_the_kernels_new_meaning_of_a_successful_poll_is_a_break(
    local: Store, tmp_path: Path
) -> None:
    nights.add(local, tmp_path, 0)
    folder = nights.write(tmp_path, 1)
    path = folder / "synthetic.jsonl.gz"
    rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    for row in rows:
        row["guest"]["stats"]["vcpu"][0]["blocking"] = 0
    synthetic.write_rows(folder, "synthetic", rows)
    publish(local, folder, nights.name(1))
    (found,) = breaks.breaks(local)
    assert found.restarts
    assert found.text == (
        "meaning of a successful poll: the wake-up came inside the poll loop → the vCPU never slept"
    )


def test_people_add_and_remove_breaks_with_a_reason(local: Store, tmp_path: Path) -> None:
    for number in range(3):
        nights.add(local, tmp_path, number)
    made = breaks.add(local, nights.name(1), "a new fan", host="synthetic", metric="wakeup_p50_ns")
    assert (
        breaks.add(local, nights.name(1), "a new fan", host="synthetic", metric="wakeup_p50_ns")
        == made
    )
    assert breaks.breaks(local) == [made]
    assert made.concerns(KEY)
    assert not made.concerns(
        SeriesKey("synthetic", "hardware", "synthetic", "s", "fixed-30us", "wakeup_p99_ns")
    )
    assert breaks.remove(local, made.id, "it was the old fan") == made
    assert breaks.breaks(local) == []
    with pytest.raises(UsageError, match=f"there is no break {made.id}"):
        breaks.remove(local, made.id, "again")
    # What was taken back can be said again.
    breaks.add(local, nights.name(1), "a new fan", host="synthetic", metric="wakeup_p50_ns")
    assert breaks.breaks(local) == [made]


def test_the_labs_own_break_can_be_removed(local: Store, tmp_path: Path) -> None:
    nights.add(local, tmp_path, 0)
    nights.add(local, tmp_path, 1, setting("probes_sha256", "1" * 64))
    (found,) = breaks.breaks(local)
    breaks.remove(local, found.id, "a comment was changed")
    assert breaks.breaks(local) == []


def test_since_is_a_night_or_an_instant(local: Store) -> None:
    assert breaks.add(local, "2026-11-23", "moved").since == "2026-11-23T00:00:00+00:00"
    assert breaks.add(local, "2026-11-23T02:00+02:00", "x").since == "2026-11-23T00:00:00+00:00"
    with pytest.raises(UsageError, match="yesterday is neither a night of .* nor an instant"):
        breaks.add(local, "yesterday", "moved")
