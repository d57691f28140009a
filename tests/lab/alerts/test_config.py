"""The `[alerts]` table as people write it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from lab import alerts
from lab.alerts import Alert, Book
from lab.alerts.config import AlertsTable
from lab.errors import UsageError
from lab.history.store import Store
from tests.alerts import NOW
from tests.receiver import Receiver

WHOLE = """
nights_back = 3
[[sinks]]
kind = "json"
path = "out/alerts.json"
[[sinks]]
kind = "junit"
path = "out/junit.xml"
[[sinks]]
kind = "markdown"
path = "out/alerts.md"
[[sinks]]
kind = "openmetrics"
path = "out/kvmlab.prom"
[[sinks]]
kind = "terminal"
[[sinks]]
name = "team"
kind = "apprise"
url.env = "TEAM_URL"
"""


def table(text: str) -> AlertsTable:
    return AlertsTable.model_validate(tomllib.loads(text))


def test_every_sink_of_a_file_gets_its_alert(
    store: Store,
    confirmed: Alert,
    receiver: Receiver,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TEAM_URL", f"json://127.0.0.1:{receiver.port}")
    outcomes = alerts.deliver(store, table(WHOLE).make(tmp_path), NOW)
    assert {(each.told, each.error) for each in outcomes} == {((confirmed.id,), None)}
    names = ["json", "junit", "markdown", "openmetrics", "terminal", "team"]
    assert [each.sink for each in outcomes] == names
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == {"alerts.json", "junit.xml", "alerts.md", "kvmlab.prom"}
    assert "A1" in capsys.readouterr().out
    assert len(receiver.bodies) == 1
    assert Book.read(store)[confirmed.id].deliveries


def test_a_file_named_dash_is_stdout(
    store: Store, confirmed: Alert, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    sinks = table('[[sinks]]\nkind = "markdown"\npath = "-"').make(tmp_path)
    alerts.deliver(store, sinks, NOW)
    assert b"## kvmlab: 1 alert" in capfdbinary.readouterr().out
    assert confirmed.id


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[[sinks]]\nkind = "carrier-pigeon"', "does not match any of the expected tags"),
        ('[[sinks]]\nkind = "json"', "Field required"),
        ('[[sinks]]\nkind = "terminal"\n' * 2, "sinks: terminal is there twice"),
        ('[[sinks]]\nkind = "alertmanager"\nurl = "file:///etc/passwd"', "URL scheme should be"),
        ('[[sinks]]\nkind = "apprise"\nurl = {}', "takes one of value, env"),
        ("nights_back = 0", "greater than or equal to 1"),
        ("nonsense = 1", "Extra inputs are not permitted"),
    ],
)
def test_what_is_wrong_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        table(text)


def test_a_secret_comes_from_systemd_s_folder_of_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sinks = table('[[sinks]]\nkind = "apprise"\nurl.file = "team"')
    with pytest.raises(UsageError, match=r"sinks.apprise.url: .*/team cannot be read \(No such"):
        sinks.make(tmp_path)
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "team").write_text("json://127.0.0.1:1\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    assert [sink.name for sink in sinks.make(tmp_path)] == ["apprise"]


def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    sinks = table('[[sinks]]\nkind = "apprise"\nurl.env = "NO_SUCH_VARIABLE"')
    with pytest.raises(UsageError, match="the variable NO_SUCH_VARIABLE is not set"):
        sinks.make(tmp_path)


def test_a_secret_is_not_in_what_the_table_prints() -> None:
    sinks = table('[[sinks]]\nkind = "apprise"\nurl.value = "json://hush@127.0.0.1"')
    assert "hush" not in repr(sinks)
    assert "hush" not in sinks.model_dump_json()
