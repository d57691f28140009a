"""Notices: who hears of what, and what is promised when a sender is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from lab import alerts
from lab.alerts import Alert, Book, SinkError, deliver
from lab.alerts.delivery import ATTEMPTS
from lab.alerts.sinks.terminal import details
from lab.alerts.words import Message
from lab.history.store import Store
from lab.paths import ROOT
from tests.alerts import NOW, SINCE, Night, change
from tests.receiver import Receiver


@dataclass
class Chat:
    name: str = "chat"
    error: str | None = None
    titles: list[str] = field(default_factory=list)

    def tell(self, message: Message) -> None:
        if self.error:
            raise SinkError(self.error)
        self.titles.append(message.title)


@pytest.fixture
def chat() -> Chat:
    return Chat()


def states(chat: Chat) -> list[str]:
    return [title.split(":")[0] for title in chat.titles]


def test_a_confirmed_alert_is_told_once(store: Store, confirmed: Alert, chat: Chat) -> None:
    (outcome,) = deliver(store, [chat], NOW)
    assert outcome.told == (confirmed.id,)
    assert deliver(store, [chat], NOW)[0].told == ()
    assert states(chat) == ["A1 confirmed"]


def test_what_is_not_confirmed_is_told_to_nobody(store: Store, chat: Chat) -> None:
    alerts.update(store, SINCE, [change()], Night())
    deliver(store, [chat], NOW)
    alerts.confirm(store, "A1", SINCE, stands=False, evidence="gone")
    deliver(store, [chat], NOW)
    assert chat.titles == []


def test_the_end_is_told_to_those_who_heard_of_the_beginning(
    store: Store, confirmed: Alert, chat: Chat
) -> None:
    deliver(store, [chat], NOW)
    alerts.resolve(store, confirmed.id, by="ada", reason="reverted")
    late = Chat("late")
    deliver(store, [chat, late], NOW)
    assert states(chat) == ["A1 confirmed", "A1 resolved"]
    assert late.titles == []


def test_an_acknowledged_alert_is_silent_until_its_time_is_over(
    store: Store, confirmed: Alert, chat: Chat
) -> None:
    until = NOW + timedelta(days=1)
    alerts.acknowledge(store, confirmed.id, by="ada", reason="on it", until=until)
    deliver(store, [chat], NOW)
    assert chat.titles == []
    deliver(store, [chat], until)
    assert states(chat) == ["A1 confirmed"]


def test_a_refusal_is_tried_again_and_not_for_ever(
    store: Store, confirmed: Alert, chat: Chat
) -> None:
    chat.error = "no route"
    for _ in range(ATTEMPTS + 2):
        (outcome,) = deliver(store, [chat], NOW)
    assert outcome.error is None, "given up"
    (delivery,) = Book.read(store)[confirmed.id].deliveries.values()
    assert (delivery.outcome, delivery.attempts, delivery.error) == ("failed", ATTEMPTS, "no route")


def test_one_sink_that_fails_keeps_no_other_from_its_turn(
    store: Store, confirmed: Alert, chat: Chat
) -> None:
    first, second = deliver(store, [Chat("broken", error="no"), chat], NOW)
    assert first.error == f"{confirmed.id}: no"
    assert second.told == (confirmed.id,)


def test_two_senders_at_once_send_once(store: Store, confirmed: Alert) -> None:
    """Another process delivers while the first is at it."""

    @dataclass
    class Meddled(Chat):
        def tell(self, message: Message) -> None:
            deliver(store, [other], NOW)
            super().tell(message)

    first, other = Meddled(), Chat()
    deliver(store, [first], NOW)
    assert states(first) == ["A1 confirmed"]
    assert other.titles == []
    (delivery,) = Book.read(store)[confirmed.id].deliveries.values()
    assert delivery.outcome == "delivered"


SENDER = """
import importlib, os, signal, sys
from lab.alerts import deliver
from lab.alerts.sinks.messenger import Messenger
from lab.history.store import Store
from tests.alerts import NOW

url, sink, moment = sys.argv[1:]
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

if moment == "before sending":
    Messenger.tell = die
if moment == "before recording":
    importlib.import_module("lab.alerts.delivery")._record = die
deliver(Store.find(url), [Messenger(sink, "chat")], NOW)
"""


def send(store: Store, receiver: Receiver, moment: str) -> subprocess.Popen[bytes]:
    sink = f"json://127.0.0.1:{receiver.port}/hook"
    return subprocess.Popen([sys.executable, "-c", SENDER, store.url, sink, moment], cwd=ROOT)


@pytest.mark.parametrize(
    ("moment", "arrived"),
    [("before sending", 0), ("before the answer", 1), ("before recording", 1)],
)
def test_killed_between_sending_and_recording_it_never_sends_again(
    store: Store, confirmed: Alert, receiver: Receiver, moment: str, arrived: int
) -> None:
    process = send(store, receiver, moment)
    if moment == "before the answer":
        receiver.meanwhile = process.kill
    assert process.wait() == -signal.SIGKILL
    receiver.meanwhile = lambda: None
    assert send(store, receiver, "no moment").wait() == 0
    assert len(receiver.bodies) == arrived
    alert = Book.read(store)[confirmed.id]
    (delivery,) = alert.deliveries.values()
    assert delivery.outcome == "unknown"
    assert "may or may not have got" in details(alert).plain


def test_a_sender_that_lives_sends_once(store: Store, confirmed: Alert, receiver: Receiver) -> None:
    for _ in range(2):
        assert send(store, receiver, "no moment").wait() == 0
    (body,) = receiver.bodies
    assert body["title"].startswith(f"{confirmed.id} confirmed: median wake-up latency +12 %")
