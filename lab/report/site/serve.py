"""The site on loopback: it reads the store, and nobody can write to it."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any
from urllib.parse import unquote, urlsplit

from lab.errors import LabError
from lab.history.runs import PUBLISHED
from lab.history.store import Store
from lab.nightly.model import NIGHTS
from lab.report.site.pages import INDEX, PLOTLY, Site

LOOPBACK = "127.0.0.1"
NAMES = {LOOPBACK, "localhost"}
WATCHED = (PUBLISHED, NIGHTS, "alerts", "breaks")
"""Folders of the store whose documents make the pages."""
HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; script-src 'self' 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Pages:
    """The pages of a store as it is now: made anew when a document was added."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._lock = Lock()
        self._seen: list[str] = []
        self._site = Site.of(store)
        self._made: dict[str, bytes] = {}

    def get(self, name: str) -> bytes | None:
        """Return a page, None where there is none of that name."""
        with self._lock:
            seen = [key for folder in WATCHED for key in self.store.keys(folder)]
            if seen != self._seen:
                self._seen, self._site, self._made = seen, Site.of(self.store), {}
            if name not in self._made and name in self._site.pages:
                self._made[name] = self._site.pages[name]().encode()
            return self._made.get(name)


class Handler(BaseHTTPRequestHandler):
    """Answers what reads, and only those who know this machine by a name of loopback."""

    server_version = "kvmlab"
    sys_version = ""

    def __init__(self, pages: Pages, *args: Any) -> None:  # noqa: ANN401  (http.server's)
        self.pages = pages
        super().__init__(*args)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, *_: object) -> None:
        """Say nothing: who reads the pages is the one who started this."""

    def _answer(self, *, with_body: bool) -> None:
        status, content, kind = self._found()
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if with_body:
            self.wfile.write(content)

    def _found(self) -> tuple[HTTPStatus, bytes, str]:
        # A name that somebody else's DNS gave to this address is another site's page asking.
        if urlsplit(f"//{self.headers.get('Host', '')}").hostname not in NAMES:
            return HTTPStatus.FORBIDDEN, b"this is for this machine only\n", "text/plain"
        name = unquote(urlsplit(self.path).path).removeprefix("/") or INDEX
        try:
            content = self.pages.get(name)
        except LabError as error:
            return HTTPStatus.SERVICE_UNAVAILABLE, f"{error}\n".encode(), "text/plain"
        if content is None:
            return HTTPStatus.NOT_FOUND, b"there is no such page\n", "text/plain"
        return HTTPStatus.OK, content, "text/javascript" if name == PLOTLY else "text/html"


def server(store: Store, port: int) -> ThreadingHTTPServer:
    """Listen on loopback, and answer once `serve_forever` is called; port 0 is any free one."""
    return ThreadingHTTPServer((LOOPBACK, port), partial(Handler, Pages(store)))
