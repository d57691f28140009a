"""Against a real Alertmanager on loopback, with a web hook that counts what it is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from lab import alerts
from lab.alerts import Alert, Book, SinkError, Standing
from lab.alerts.sinks.alertmanager import Alertmanager, labels
from lab.history.store import Store
from tests.alerts import NOW, SINCE, Night, change
from tests.monitoring import alertmanager, eventually, free_port, get
from tests.receiver import Receiver, receiving

pytestmark = pytest.mark.needs("monitoring")

VALID = timedelta(hours=36)


@pytest.fixture(scope="module")
def hook() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


@pytest.fixture(scope="module")
def server(hook: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with alertmanager(tmp_path_factory.mktemp("monitoring") / "alertmanager", hook.port) as url:
        yield url


@pytest.fixture
def sink(server: str, request: pytest.FixtureRequest) -> Alertmanager:
    """One Alertmanager serves all tests: each is a lab of its own."""
    return Alertmanager(server, valid=VALID, lab=request.node.name)


def known(server: str, lab: str) -> list[Any]:
    answer: list[Any] = get(f"{server}/api/v2/alerts?filter=lab%3D{lab}")
    return answer


def told(hook: Receiver, lab: str) -> list[str]:
    """Tell what the hook heard of a lab's alerts, in order."""
    return [
        f"{alert['labels']['alert']} {alert['status']}"
        for body in hook.bodies
        for alert in body["alerts"]
        if alert["labels"]["lab"] == lab
    ]


def show(sink: Alertmanager, store: Store, now: datetime | None = None) -> None:
    sink.show(list(Book.read(store).alerts.values()), now or datetime.now(UTC))


def test_an_alert_is_there_until_its_end_and_told_once(
    sink: Alertmanager, server: str, hook: Receiver, store: Store, confirmed: Alert
) -> None:
    lab = "test_an_alert_is_there_until_its_end_and_told_once"
    now = datetime.now(UTC)
    for again in range(3):
        show(sink, store, now + timedelta(seconds=again))
    (alert,) = known(server, lab)
    assert alert["labels"] == {"lab": lab, **labels(confirmed)}
    assert alert["annotations"]["summary"].startswith("A1 confirmed: median wake-up latency +12 %")
    ends = datetime.fromisoformat(alert["endsAt"])
    assert ends - now - timedelta(seconds=2) == pytest.approx(VALID, abs=timedelta(seconds=0.01))
    eventually(lambda: told(hook, lab), "the hook hears of it")
    alerts.resolve(store, "A1", by="ada", reason="reverted")
    for _ in range(3):
        show(sink, store)
    eventually(lambda: len(told(hook, lab)) > 1, "the hook hears of its end")
    show(sink, store)
    assert told(hook, lab) == ["A1 firing", "A1 resolved"]
    assert known(server, lab) == []


def test_what_is_not_confirmed_is_not_sent(sink: Alertmanager, server: str, store: Store) -> None:
    alerts.update(store, SINCE, [change()], Night())
    show(sink, store)
    alerts.confirm(store, "A1", SINCE, stands=False, evidence="gone")
    show(sink, store)
    assert known(server, "test_what_is_not_confirmed_is_not_sent") == []


def test_an_alert_keeps_its_labels_for_life(
    sink: Alertmanager, server: str, store: Store, confirmed: Alert
) -> None:
    show(sink, store)
    worse = [change(1.4), change(host="synthetic-b", since="2026-03-01")]
    alerts.update(store, "2026-03-11", worse, Night())
    show(sink, store)
    (alert,) = known(server, "test_an_alert_keeps_its_labels_for_life")
    assert alert["labels"]["fingerprint"] == confirmed.changes[0].fingerprint.digest
    assert "+40 %" in alert["annotations"]["summary"]


def test_an_acknowledgement_is_a_silence_for_as_long(
    sink: Alertmanager, server: str, store: Store, confirmed: Alert
) -> None:
    lab = "test_an_acknowledgement_is_a_silence_for_as_long"
    show(sink, store)
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    alerts.acknowledge(store, confirmed.id, by="ada", reason="bisecting", until=until)
    for _ in range(2):
        show(sink, store)
    (alert,) = known(server, lab)
    eventually(lambda: known(server, lab)[0]["status"]["state"] == "suppressed", "it is silenced")
    (silence,) = silences(server, lab)
    assert silence["comment"].startswith("ada, until ")
    assert datetime.fromisoformat(silence["endsAt"]) == until
    alerts.acknowledge(store, confirmed.id, by="bob", reason="took over", until=until)
    show(sink, store)
    (silence,) = silences(server, lab)
    assert silence["comment"].startswith("bob")
    for night in ("2026-03-11", "2026-03-12"):
        alerts.update(store, night, [], Night(stands=Standing.GONE))
    show(sink, store)
    assert silences(server, lab) == []
    assert alert["labels"]["alert"] == confirmed.id


def test_silences_of_people_and_of_other_labs_are_left_alone(
    sink: Alertmanager, server: str, store: Store, confirmed: Alert
) -> None:
    until = datetime.now(UTC) + timedelta(days=3)
    other = Alertmanager(server, valid=VALID, lab="another-lab")
    alerts.acknowledge(store, confirmed.id, by="ada", reason="on it", until=until)
    show(other, store)
    by_hand = {
        "matchers": [{"name": "host", "value": "x", "isRegex": False, "isEqual": True}],
        "startsAt": datetime.now(UTC).isoformat(),
        "endsAt": until.isoformat(),
        "createdBy": "ada",
        "comment": "by hand",
    }
    sink._ask("POST", "silences", by_hand)
    alerts.resolve(store, confirmed.id, by="ada", reason="done")
    show(sink, store)
    assert len(silences(server, "ada")) == len(silences(server, "another-lab")) == 1


def silences(server: str, lab: str) -> list[Any]:
    return [
        silence
        for silence in get(f"{server}/api/v2/silences")
        if silence["createdBy"] == lab and silence["status"]["state"] != "expired"
    ]


def test_a_night_that_could_not_run_is_an_alert_of_its_own(
    sink: Alertmanager, server: str, store: Store
) -> None:
    alerts.trouble(store, SINCE, "no host answered")
    show(sink, store)
    (alert,) = known(server, "test_a_night_that_could_not_run_is_an_alert_of_its_own")
    assert alert["labels"]["alertname"] == "KvmlabNightFailed"
    assert "no host answered" in alert["annotations"]["description"]


def test_what_it_refuses_and_that_it_is_not_there_is_one_sentence(
    server: str, confirmed: Alert
) -> None:
    with pytest.raises(SinkError, match=r"refused alerts \(404: .*\): see its log"):
        Alertmanager(f"{server}/nowhere", valid=VALID, name="x").show([confirmed], NOW)
    gone = Alertmanager(f"http://127.0.0.1:{free_port()}", valid=VALID, token="hush")  # noqa: S106
    with pytest.raises(SinkError, match=r"does not answer \(.*refused.*\)") as error:
        gone.show([confirmed], NOW)
    assert "hush" not in str(error.value)


def dispatched(server: str) -> bool:
    name = "alertmanager_dispatcher_alert_processing_duration_seconds_count"
    with urlopen(f"{server}/metrics") as answer:  # noqa: S310  (loopback)
        return f"{name} 0" not in answer.read().decode()


def test_it_takes_the_lab_up_again_after_it_was_restarted(
    tmp_path: Path, hook: Receiver, store: Store, confirmed: Alert
) -> None:
    for _ in range(2):
        with alertmanager(tmp_path / "one", hook.port) as url:
            assert known(url, "again") == []
            show(Alertmanager(url, valid=VALID, lab="again"), store)
            assert [each["labels"]["alert"] for each in known(url, "again")] == [confirmed.id]
            eventually(lambda: dispatched(url), "it works on the alert")
            eventually(lambda: told(hook, "again"), "the hook hears of it")
    assert told(hook, "again") == ["A1 firing"], "what it told is in its notification log"
