"""Alerts as files: JSON, JUnit XML and Markdown."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from xml.etree.ElementTree import parse

import pytest

from lab import alerts
from lab.alerts import Alert, Book
from lab.alerts.sinks.document import JsonFile
from lab.alerts.sinks.junit import JUnit
from lab.alerts.sinks.markdown import Markdown
from lab.history.store import Store
from tests.alerts import NEW_KERNEL, NOW, Night, change


@pytest.fixture
def mixed(store: Store, confirmed: Alert) -> list[Alert]:
    """One alert in each state, and a night that could not run."""
    for number, setting in enumerate(("x=1", "<y>|`2`", "z=3"), start=2):
        night = f"2026-04-{10 + 3 * number}"
        found = [change(since=night, setting=setting, host=f"synthetic-{number}")]
        alerts.update(store, night, found, Night({night: NEW_KERNEL}))
    alerts.acknowledge(store, "A3", by="ada", reason="on it", until=NOW + timedelta(days=1))
    alerts.resolve(store, "A4", by="ada", reason="wanted")
    alerts.trouble(store, "2026-05-01", "no host answered")
    assert confirmed.id == "A1"
    return list(Book.read(store).alerts.values())


def test_json_has_everything(mixed: list[Alert], tmp_path: Path) -> None:
    path = tmp_path / "new" / "alerts.json"
    JsonFile(path).show(mixed, NOW)
    document = json.loads(path.read_text())
    assert (document["schema"], document["at"]) == (1, "2026-03-11T06:00:00+00:00")
    told = {each["id"]: each for each in document["alerts"]}
    assert [each["state"] for each in told.values()] == [
        "confirmed",
        "open",
        "acknowledged",
        "resolved",
        "confirmed",
    ]
    assert told["A2"]["suspects"][0]["commits"] == "v6.1.106..v6.1.112"
    assert told["A1"]["changes"][0]["ratio"] == 1.12
    assert told["A3"]["ack"]["until"] == "2026-03-12T06:00:00+00:00"
    assert told["A5"]["trouble"] == "no host answered"
    assert "kvmlab alerts reproduce A1" in told["A1"]["text"]


def test_junit_fails_what_is_confirmed_and_skips_what_is_looked_after(
    mixed: list[Alert], tmp_path: Path
) -> None:
    path = tmp_path / "junit.xml"
    JUnit(path).show(mixed, NOW)
    suite = parse(path).getroot().find("testsuite")  # noqa: S314  (written above)
    assert suite is not None
    counts = {key: suite.get(key) for key in ("tests", "failures", "skipped", "errors")}
    assert counts == {"tests": "4", "failures": "2", "skipped": "2", "errors": "0"}
    case = suite.findall("testcase")[0]
    assert case.get("classname") == "kvmlab alerts.synthetic-a.halt_poll"
    assert case.get("name") == "fixed-150us, vm.halt_poll_ns=200000: wakeup_p50_ns"
    failure = case.find("failure")
    assert failure is not None
    assert (failure.get("message") or "").startswith("A1: median wake-up latency +12 %")


def test_junit_names_stay_while_numbers_change(
    store: Store, confirmed: Alert, tmp_path: Path
) -> None:
    names = []
    alerts.update(store, "2026-03-11", [change(1.4)], Night())
    for number, each in enumerate((confirmed, Book.read(store)[confirmed.id])):
        path = tmp_path / f"{number}.xml"
        JUnit(path).show([each], NOW)
        names.append([case.attrib for case in parse(path).iter("testcase")])  # noqa: S314
    assert names[0] == names[1]


def test_junit_without_alerts_has_a_case_that_passes(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    JUnit(path).show([], NOW)
    (case,) = parse(path).iter("testcase")  # noqa: S314
    assert list(case) == []


def test_markdown_is_a_table_and_a_chapter_for_each(mixed: list[Alert], tmp_path: Path) -> None:
    path = tmp_path / "alerts.md"
    Markdown(path).show(mixed, NOW)
    text = path.read_text()
    assert text.startswith("## kvmlab: 4 alerts\n")
    assert text.count("\n### ") == 4
    assert "- kernel: 6.1.0-25-amd64" in text
    assert "(git log v6.1.106..v6.1.112), on synthetic-2" in text
    assert "```sh\nkvmlab alerts reproduce A1\n" in text
    assert r"\<y\>\|\`2\`" in text, "names cannot end a cell or begin a tag"
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace(r"\|", "").count("|") for line in rows} == {9}


def test_markdown_without_alerts_says_so(tmp_path: Path) -> None:
    path = tmp_path / "alerts.md"
    Markdown(path).show([], NOW)
    assert path.read_text() == "## kvmlab: no alerts\n"
