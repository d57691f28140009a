"""Read by promtool, by node_exporter for a real Prometheus, and by Prometheus as OpenMetrics."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from lab import alerts
from lab.alerts import Book, SinkError
from lab.alerts.sinks.openmetrics import OpenMetrics
from lab.history.store import Store
from tests.alerts import NOW, SINCE, Night, change
from tests.monitoring import eventually, get, node_exporter, prometheus

# A label may hold anything; these are what the format escapes.
NASTY = 'x="1"\\2'


@pytest.fixture
def textfile(tmp_path: Path, store: Store) -> Path:
    found = [change(), change(host="synthetic-b", setting=NASTY, experiment="a\nb")]
    alerts.update(store, SINCE, found, Night())
    alerts.confirm(store, "A1", SINCE, stands=True, evidence="+12 %")
    path = tmp_path / "textfile" / "kvmlab.prom"
    OpenMetrics(path).show(list(Book.read(store).alerts.values()), NOW)
    return path


@contextmanager
def served(path: Path) -> Iterator[str]:
    """Serve a file as OpenMetrics; yields host and port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8"
            self.send_header("Content-Type", content_type)
            self.end_headers()
            self.wfile.write(path.read_bytes())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(url: str, query: str) -> list[tuple[dict[str, str], float]]:
    answer: Any = get(f"{url}/api/v1/query?query={quote(query)}")
    return [(each["metric"], float(each["value"][1])) for each in answer["data"]["result"]]


@pytest.mark.needs("monitoring")
def test_promtool_finds_nothing_to_complain_about(textfile: Path) -> None:
    with textfile.open("rb") as text:
        answer = subprocess.run(
            ["promtool", "check", "metrics"], stdin=text, capture_output=True, check=False
        )
    assert (answer.returncode, answer.stdout + answer.stderr) == (0, b"")


@pytest.mark.needs("monitoring")
def test_prometheus_reads_it_by_node_exporter_and_as_openmetrics(
    textfile: Path, tmp_path: Path
) -> None:
    with node_exporter(textfile.parent) as exporter, served(textfile) as direct:
        by_textfile = exporter.removeprefix("http://")
        with prometheus(tmp_path / "prometheus", by_textfile, direct) as url:
            for job in (by_textfile, direct):
                where = f'job="{job}"'
                count = f'kvmlab_alerts{{state="confirmed",{where}}}'
                ((_, number),) = eventually(lambda: ask(url, count), "it is scraped")  # noqa: B023
                assert number == 1
                sizes = ask(url, f'kvmlab_alert_change_ratio{{bound="value",{where}}}')
                assert {labels["setting"] for labels, _ in sizes} == {
                    "vm.halt_poll_ns=200000",
                    NASTY,
                }
                assert {ratio for _, ratio in sizes} == {1.12}
                ((labels, since),) = ask(url, f"kvmlab_alert_since_timestamp_seconds{{{where}}}")
                assert (labels["alert"], since) == ("A1", 1773100800)
                assert ask(url, f"up{{{where}}}")[0][1] == 1
            assert ask(url, "node_textfile_scrape_error")[0][1] == 0


def test_all_states_are_counted_when_there_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "kvmlab.prom"
    OpenMetrics(path).show([], NOW)
    text = path.read_text()
    assert 'kvmlab_alerts{state="confirmed"} 0.0' in text
    assert text.endswith("# EOF\n")


def test_a_folder_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkError, match="kvmlab.prom cannot be written"):
        OpenMetrics(tmp_path / "file" / "kvmlab.prom").show([], NOW)
