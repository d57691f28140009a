"""Apprise against a server on loopback, and where its secrets do not go."""

from __future__ import annotations

import logging
from email import message_from_string, policy

import pytest

from lab.alerts import Alert, SinkError
from lab.alerts.sinks.messenger import HIDDEN, Messenger, secrets
from lab.alerts.words import message
from lab.errors import UsageError
from tests.monitoring import free_port
from tests.receiver import Receiver, receiving_mail

USER, PASSWORD, TOKEN, KEY = "nightly-user", "s3cr%2Ft-word", "T0KEN-in-the-path", "k3y-in-query"
HIDE = (USER, PASSWORD, "s3cr/t-word", TOKEN, KEY)


def url(port: int) -> str:
    return f"json://{USER}:{PASSWORD}@127.0.0.1:{port}/{TOKEN}?+X-Key={KEY}"


def test_a_message_arrives_with_title_and_text(confirmed: Alert, receiver: Receiver) -> None:
    Messenger(url(receiver.port), "chat").tell(message(confirmed))
    (body,) = receiver.bodies
    assert body["title"].startswith("A1 confirmed: median wake-up latency +12 % [+11 % … +13 %]")
    assert "kvmlab alerts reproduce A1" in body["message"]


@pytest.mark.parametrize("fault", ["refused", "not there", "unknown kind"])
def test_no_secret_is_logged_or_said(
    confirmed: Alert, receiver: Receiver, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.status = 403
    address = url(free_port() if fault == "not there" else receiver.port)
    if fault == "unknown kind":
        with pytest.raises(UsageError, match=r"sinks.chat: Apprise does not take") as refused:
            Messenger(address.replace("json://", "jsonx://"), "chat")
        said = str(refused.value)
    else:
        with pytest.raises(SinkError) as failed:
            Messenger(address, "chat").tell(message(confirmed))
        said = str(failed.value)
        assert HIDDEN in caplog.text or fault == "refused"
        assert len(caplog.records) > 1
    everything = [said, caplog.text, *(repr(record.__dict__) for record in caplog.records)]
    for secret in HIDE:
        assert not [text for text in everything if secret in text]


def mail(port: int) -> str:
    return f"mailto://{USER}:{PASSWORD}@127.0.0.1:{port}?from=lab@example.org&to=ada@example.org"


def test_a_mail_arrives(confirmed: Alert) -> None:
    with receiving_mail() as (port, mails):
        Messenger(mail(port), "mail").tell(message(confirmed))
    (text,) = mails
    parsed = message_from_string(text, policy=policy.default)
    assert parsed["To"] == "ada@example.org"
    assert parsed["Subject"].startswith("A1 confirmed: median wake-up latency +12 %")
    plain = parsed.get_body(("plain", "html"))
    assert plain is not None
    assert "kvmlab alerts reproduce A1" in plain.get_content()


def test_no_secret_of_a_mail_server_is_said(
    confirmed: Alert, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    refusal = f"535 no {PASSWORD} for {USER}"
    with receiving_mail(refusal) as (port, _), pytest.raises(SinkError) as failed:
        Messenger(mail(port), "mail").tell(message(confirmed))
    everything = [str(failed.value), *(repr(record.__dict__) for record in caplog.records)]
    assert not [text for text in everything for secret in HIDE if secret in text]


def test_logs_are_as_before_afterwards(confirmed: Alert, receiver: Receiver) -> None:
    Messenger(url(receiver.port), "chat").tell(message(confirmed))
    for name in ("apprise", "urllib3.connectionpool"):
        assert logging.getLogger(name).filters == []


@pytest.mark.parametrize(
    ("address", "hidden"),
    [
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "TIiajkdnlazkcOXrIdevi7FQ"),
        ("mailto://user:pass%40word@example.com?to=x@y.org", "pass@word"),
        ("tgram://123456789:abcdefg_hijklmnop/12315544/", "abcdefg_hijklmnop"),
        ("https://hooks.example.com/services/aaaa/bbbb", "aaaa"),
    ],
)
def test_every_part_of_an_address_counts_as_secret(address: str, hidden: str) -> None:
    assert hidden in secrets(address)
