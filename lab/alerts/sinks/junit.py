"""Alerts as JUnit XML, for whatever shows test results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from lab.alerts.model import Alert, State
from lab.alerts.sinks.files import put
from lab.alerts.words import message, size

SUITE = "kvmlab alerts"


class JUnit:
    """Writes a test case for each series of the active alerts.

    Confirmed ones have failed, others are skipped: nobody is to be woken by what is not confirmed
    or what somebody looks after. The names are the same each night, so that a history can be
    kept. When there is nothing, one test case says so: an empty suite is an error to many readers.
    """

    def __init__(self, path: Path, name: str = "junit") -> None:
        self.name = name
        self._path = path

    def show(self, alerts: Sequence[Alert], now: datetime) -> None:
        cases = [case for alert in alerts if alert.is_active for case in _cases(alert)]
        cases = cases or [Element("testcase", classname=SUITE, name="no alerts", time="0")]
        suite = Element(
            "testsuite",
            name=SUITE,
            timestamp=f"{now:%Y-%m-%dT%H:%M:%S}",
            tests=str(len(cases)),
            failures=str(sum(case.find("failure") is not None for case in cases)),
            errors="0",
            skipped=str(sum(case.find("skipped") is not None for case in cases)),
            time="0",
        )
        suite.extend(cases)
        root = Element("testsuites")
        root.append(suite)
        indent(root)
        put(self._path, tostring(root, encoding="utf-8", xml_declaration=True))


def _cases(alert: Alert) -> Iterator[Element]:
    told = message(alert)
    if alert.trouble:
        yield _case(alert, SUITE, "the night ran", alert.trouble, told.text)
    for change in alert.changes:
        series = change.series
        name = f"{series.workload}, {series.setting}: {series.metric}"
        classname = f"{SUITE}.{series.host}.{series.experiment}"
        yield _case(alert, classname, name, f"{alert.id}: {size(change)}", told.text)


def _case(alert: Alert, classname: str, name: str, sentence: str, text: str) -> Element:
    case = Element("testcase", classname=classname, name=name, time="0")
    failed = alert.state is State.CONFIRMED
    result = SubElement(case, "failure" if failed else "skipped", message=sentence)
    if failed:
        result.set("type", "regression")
    result.text = text
    return case
