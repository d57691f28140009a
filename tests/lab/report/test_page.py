from __future__ import annotations

import json
import re
from base64 import b64decode
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plotly.offline import get_plotlyjs

from lab.errors import StoreError, UsageError
from lab.labels import TIMES
from lab.replay import Knobs, Point, Surface
from lab.replay.surface import BURNED, LATENCY
from lab.replay.trial import MORE_CPU
from lab.report import whatif, write
from lab.report.page import render
from lab.stats import Estimate
from lab.store.read import Run, read_rows, read_run
from tests import synthetic, synthetic_fleet


@pytest.fixture(scope="module")
def page(run: Run) -> str:
    return render(run)


def figures(page: str) -> list[dict[str, Any]]:
    found = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    return [json.loads(text) for text in found]


def prose(page: str) -> str:
    """Return the page without its scripts and styles, as running text."""
    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", bare).split())


def test_the_page_stands_alone(page: str) -> None:
    assert page.count(get_plotlyjs()) == 1
    without = page.replace(get_plotlyjs(), "")
    assert not re.search(r"""(src|href)=["'](?!#|data:)""", without)
    assert "url(" not in without
    assert "@import" not in without


def test_the_page_says_what_was_asked_and_how(page: str) -> None:
    text = prose(page)
    assert "kvmlab run synthetic" in text
    assert "What does a synthetic window buy?" in text
    assert "No host was measured." in text
    assert "hardware clock" in text
    assert "Synthetic CPU" in text


def test_every_halting_workload_is_in_five_pictures_and_exits_in_one(page: str) -> None:
    titles = [each["layout"]["title"]["text"] for each in figures(page)]
    assert len(titles) == 5 * len(synthetic.WORKLOADS) + 1
    for workload in synthetic.WORKLOADS:
        assert sum(f"<b>{workload['name']}</b>" in title for title in titles) == 5
    assert all("hardware clock" in title for title in titles)


def test_bars_of_outcomes_sum_to_all_halts(page: str) -> None:
    bars = [
        each["data"]
        for each in figures(page)
        if all(trace["type"] == "bar" for trace in each["data"])
        and "%" in str(each["layout"]["xaxis"])
    ]
    assert len(bars) == len(synthetic.WORKLOADS)
    for traces in bars:
        sums = [sum(parts) for parts in zip(*(trace["x"] for trace in traces), strict=True)]
        assert sums == pytest.approx([100.0] * 5, abs=0.01)


def test_bars_of_phases_sum_to_the_whole_of_each_workload(phased: Run) -> None:
    (drawn,) = [
        each["data"]
        for each in figures(render(phased))
        if "share of wall time" in str(each["layout"].get("xaxis"))
    ]
    sums = [sum(parts) for parts in zip(*(trace["x"] for trace in drawn), strict=True)]
    assert sums == pytest.approx([100.0] * 4, abs=0.01)


def test_trials_without_probes_are_in_no_picture_of_settings(phased: Run) -> None:
    (exits,) = [
        each["data"]
        for each in figures(render(phased))
        if "<b>exit</b>" in each["layout"]["title"]["text"]
    ]
    points = exits[0]["x"]
    assert len(np.frombuffer(b64decode(points["bdata"]), points["dtype"])) == 6
    assert "6 trials" in exits[1]["hovertemplate"]


def test_the_table_has_every_comparison(page: str) -> None:
    (full,) = re.findall(r'<table class="full">.*?</table>', page, re.DOTALL)
    # 4 settings against the reference: 4 metrics of 4 halting workloads, 2 of the exits.
    assert full.count("<tr>") - 1 == 4 * (4 * 4 + 2)


def test_what_comes_from_files_is_escaped(run: Run) -> None:
    manifest = deepcopy(run.manifest)
    manifest["experiment"] = "<script>alert(1)</script>"
    manifest["hosts"]["synthetic"]["facts"]["cpu_model"] = "</script><b>x"
    manifest["hosts"]["synthetic"]["facts"]["clock_class"] = "</script><img>"
    page = render(Run(run.path, manifest, run.plan, run.rows))
    assert "<script>alert(1)" not in page
    assert "</script><b>x" not in page
    assert "</script><img>" not in page


def test_hosts_of_two_clock_classes_have_pictures_of_their_own(tmp_path: Path) -> None:
    path = synthetic.write_run(
        tmp_path,
        hosts={"iron": "hardware", "room": "emulated"},
        workloads=[synthetic.FIXED_30US],
        blocks=5,
    )
    page = render(read_run(path))
    titles = [each["layout"]["title"]["text"] for each in figures(page)]
    assert sum("hardware clock" in title for title in titles) == 5
    assert sum("emulated clock" in title for title in titles) == 5
    assert "this host's clock class is emulated" in prose(page).replace("&#39;", "'")


@pytest.fixture(scope="module")
def fleet_page(fleet: Path) -> str:
    return render(read_run("20260102-000000-synthetic", fleet))


def test_hosts_of_several_architectures_are_shown_together(fleet_page: str) -> None:
    text = prose(fleet_page)
    assert "Across hosts hardware clock In short Within this clock class, of " in text
    assert "one host, z16), which differs from x86 and arm64, no effect on ppc64 (inert:" in text
    assert "One setting for all: " in text
    assert "Where architectures are shown to differ" in text
    assert "One host only: arm64 (altra), s390x (z16)." in text


def test_a_field_of_the_heat_map_says_more_than_its_colour(fleet_page: str) -> None:
    (heat, *_) = [each for each in figures(fleet_page) if each["data"][0]["type"] == "heatmap"]
    (drawn,) = heat["data"]
    assert drawn["x"] == ["x86", "arm64", "s390x", "ppc64"]
    assert [row[3] for row in drawn["text"]] == ["inert"] * len(drawn["y"])
    assert [row[3] for row in drawn["z"]] == [None] * len(drawn["y"])
    # Without polling, wake-ups are later on x86: worse, and shown.
    assert drawn["z"][0][0] < -1
    assert drawn["text"][0][0].startswith(TIMES)
    assert drawn["text"][0][2].startswith("~")
    # Both x86 hosts are of one making; of 40 tests some have a small p by chance.
    assert "Hosts of x86 differ" not in prose(fleet_page)


def test_no_picture_across_hosts_has_nanoseconds(fleet_page: str) -> None:
    across = fleet_page[fleet_page.index('id="across-1"') : fleet_page.index('id="host-1"')]
    for each in figures(across):
        ticks = [*each["layout"]["xaxis"].get("ticktext", []), *each["layout"]["yaxis"]["title"]]
        assert not any(str(tick).endswith((" ns", "µs", "ms")) for tick in ticks)


def test_clock_classes_are_apart_in_what_is_shown_together(tmp_path: Path) -> None:
    path = synthetic_fleet.write_fleet(
        tmp_path,
        clocks={"altra": "emulated", "z16": "emulated"},
        workloads=[synthetic.FIXED_30US],
    )
    page = render(read_run(path))
    assert page.count('class="host" id="across-') == 2
    hardware, emulated = (
        page[page.index(f'id="across-{number}"') : page.index(end)]
        for number, end in ((1, 'id="across-2"'), (2, 'id="host-1"'))
    )
    assert "z16" not in hardware
    assert "xeon" not in emulated


def test_the_trade_off_of_a_host_has_its_recommendation(page: str) -> None:
    text = prose(page)
    assert "How probable it is that no other setting is as good in both latency and" in text
    assert (
        "Recommended where 1 % of latency is worth 1 % of CPU: x86 (one host, synthetic): " in text
    )


def test_recorded_halts_say_what_other_settings_would_have_done(page: str) -> None:
    text = prose(page)
    assert "What other settings would have done hardware clock Halt polling replayed" in text
    assert "fixed-30us: settings that no other beats" in text
    assert "Assumed of arrivals: closed loop" in text
    assert "kvmlab tune 20260101-000000-synthetic --budget-cpu 2%" in text


@pytest.mark.parametrize(("latency", "advice"), [
    (20.0, "w: 50 µs is the fastest for no more CPU than was recorded: 20 ns (19 to 21 ns) "),
    (29.5, "w: keep what was recorded; none of these is shown to be faster for no more CPU."),
])  # fmt: skip
def test_what_is_advised_is_shown_to_be_faster(latency: float, advice: str) -> None:
    def point(ceiling: int, latency: float, cpu: float) -> Point:
        around = {LATENCY: (latency, 1.0), BURNED: (cpu, 0.01), MORE_CPU: (cpu - 0.2, 0.01)}
        estimates = {
            name: Estimate(at, at - reach, at + reach, 0.95) for name, (at, reach) in around.items()
        }
        return Point(Knobs(ceiling), estimates, on_front=True)

    # What costs more CPU is faster still, and not advised.
    points = [point(20_000, 30.0, 0.5), point(50_000, latency, 0.5), point(200_000, 10.0, 0.9)]
    surface = Surface(
        "r", "h", "x86_64", "hardware", "w", "generic", closed=True, recorded=Knobs(20_000),
        trials=8, points=points,
    )  # fmt: skip
    assert whatif._advice(surface, whatif._advised(surface)).startswith(advice)


def test_what_was_not_streamed_is_not_replayed(run: Run) -> None:
    rows = deepcopy(run.rows)
    for row in rows["synthetic"]:
        if row["haltpoll"]:
            row["haltpoll"] |= {"lost": 1}
    assert "What other settings" not in render(Run(run.path, run.manifest, run.plan, rows))


def test_trials_in_two_groups_are_drawn_one_by_one(tmp_path: Path) -> None:
    path = synthetic.write_run(tmp_path, workloads=[synthetic.FIXED_30US], blocks=12)
    rows = read_rows(path / "synthetic.jsonl.gz")
    for row in rows:
        if row["block"] % 3 == 0 and row["setting"] == {synthetic.KNOB: 50_000}:
            row["guest"]["latency_ns"] = [2 * ns for ns in row["guest"]["latency_ns"]]
    synthetic.write_rows(path, "synthetic", rows)
    page = render(read_run(path))
    text = prose(page)
    assert "Trials that give cause for doubt, one by one" in text
    assert "fixed-30us, median wake-up latency: trials fall into two groups" in text
    (drawn,) = [
        each
        for each in figures(page)
        if "median wake-up latency, hardware" in each["layout"]["title"]["text"]
    ]
    names = [trace["hovertemplate"] for trace in drawn["data"] if trace["mode"] == "markers"]
    # The setting with two groups, and the reference.
    assert [name.split("<")[1].removeprefix("b>") for name in names] == [
        "50 µs",
        "200 µs (reference)",
    ]


def test_a_run_without_a_trial_has_a_page_that_says_so(spoilt: Path) -> None:
    manifest = json.loads((spoilt / "manifest.json").read_text())
    manifest["state"] = "failed"
    manifest["hosts"]["synthetic"] = {"state": "unreachable", "error": "no route", "facts": None}
    (spoilt / "manifest.json").write_text(json.dumps(manifest))
    (spoilt / "synthetic.jsonl.gz").unlink()
    text = prose(render(read_run(spoilt)))
    assert "The host is unreachable: no route" in text
    assert "0 comparisons: none" in text


def test_a_run_of_failures_has_a_page_that_says_so(spoilt: Path) -> None:
    run = read_run(spoilt)
    rows = [
        synthetic.unmeasured(run.name, "synthetic", trial, "failed", "the VMM died")
        for trial in run.plan["hosts"]["synthetic"]
    ]
    synthetic.write_rows(spoilt, "synthetic", rows)
    text = prose(render(read_run(spoilt)))
    assert "failed: the VMM died" in text


def test_the_report_is_written_into_the_run_and_over_an_older_one(spoilt: Path) -> None:
    (spoilt / "report.html").write_text("old")
    path = write(spoilt.name, spoilt.parent)
    assert path == spoilt / "report.html"
    assert path.read_text().startswith("<!doctype html>")
    assert not list(spoilt.glob(".*"))


def test_a_run_that_cannot_be_read_has_no_report(spoilt: Path) -> None:
    (spoilt / "plan.json").unlink()
    with pytest.raises(StoreError, match="plan.json is missing"):
        write(spoilt)
    with pytest.raises(UsageError, match="no run 'gone'"):
        write("gone", spoilt.parent)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Run:
    workloads = (synthetic.NET_CLOSED, synthetic.NET_OPEN, synthetic.DISK)
    return read_run(
        synthetic.write_run(tmp_path_factory.mktemp("served"), workloads=workloads, blocks=5)
    )


def test_requests_are_in_every_picture_of_halts_and_in_one_of_round_trips(served: Run) -> None:
    titles = [each["layout"]["title"]["text"] for each in figures(render(served))]
    for name in ("rr", "open", "disk"):
        assert sum(f"<b>{name}</b>" in title for title in titles) == 5
    assert "How long replies take" in prose(render(served))


def test_each_vcpu_of_several_says_what_it_polled(served: Run) -> None:
    text = prose(render(served))
    assert "Who is woken, and who polls" in text
    assert "0, serves" in text
    # Only rr has a second vCPU, and it never polls here.
    assert text.count("0, serves") == len(synthetic.CEILINGS)
