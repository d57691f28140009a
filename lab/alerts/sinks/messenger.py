"""Mail, chat and webhooks through Apprise, with every secret kept out of logs and errors."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, unquote, urlsplit

import apprise

from lab.alerts.delivery import SinkError
from lab.alerts.sinks.markdown import body
from lab.alerts.words import Message
from lab.errors import UsageError

HIDDEN = "****"
SHORTEST = 4
"""Parts of an address shorter than this are no secrets, and stand in too many words."""
LOGGERS = ("apprise", "urllib3.connectionpool", "urllib3.util.retry", "requests_oauthlib")
"""Those that name the address they talk to; a filter does not reach a logger's children."""


class Messenger:
    """Sends each message to one Apprise URL; the URL is the secret."""

    def __init__(self, url: str, name: str) -> None:
        """Take the URL; UsageError when Apprise does not know its kind."""
        self.name = name
        self._secrets = secrets(url)
        self._apprise = apprise.Apprise()
        with self._guarded():
            known = self._apprise.add(url)
        if not known:
            kind = urlsplit(url).scheme or "without a scheme"
            raise UsageError(
                f"sinks.{name}: Apprise does not take this URL ({kind}): see its list of services"
            )

    def tell(self, message: Message) -> None:
        """Send one message as Markdown, which Apprise turns into what the service takes."""
        with self._guarded() as said:
            try:
                taken = self._apprise.notify(
                    title=message.title,
                    body=body(message),
                    body_format=apprise.NotifyFormat.MARKDOWN,
                )
            except Exception as error:  # noqa: BLE001  (a hundred services, as many exceptions)
                # Its traceback would show the address.
                raise SinkError(self._redacted(f"{type(error).__name__}: {error}")) from None
        if not taken:
            raise SinkError("; ".join(said) or "the service did not take it and gave no reason")

    def _redacted(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text

    @contextmanager
    def _guarded(self) -> Iterator[list[str]]:
        """Redact what is logged meanwhile; yields the warnings."""
        guard = _Guard(self)
        loggers = [logging.getLogger(name) for name in LOGGERS]
        for logger in loggers:
            logger.addFilter(guard)
        try:
            yield guard.warnings
        finally:
            for logger in loggers:
                logger.removeFilter(guard)


class _Guard(logging.Filter):
    def __init__(self, messenger: Messenger) -> None:
        super().__init__()
        self._messenger = messenger
        self.warnings: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = self._messenger._redacted(record.getMessage())  # noqa: SLF001  (its own)
        record.args = None
        record.exc_info = record.exc_text = None
        if record.levelno >= logging.WARNING:
            self.warnings.append(record.msg)
        return True


def secrets(url: str) -> list[str]:
    """Return every part of an Apprise URL that may be a secret, the longest first.

    Which part is one differs by service, a token may be in the place of a host: so all are
    but the scheme.
    """
    parts = urlsplit(url)
    rest = url.partition("://")[2]
    pieces = {rest, parts.netloc, parts.path, parts.query, parts.fragment}
    for mark in "/?&=:@#,;":
        pieces |= {piece for each in pieces for piece in each.split(mark)}
    pieces |= {unquote(piece) for piece in pieces} | {quote(piece, safe="") for piece in pieces}
    return sorted((each for each in pieces if len(each) >= SHORTEST), key=len, reverse=True)
