"""A real Alertmanager, Prometheus and node_exporter on free loopback ports, while a test lasts."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import URLError
from urllib.request import urlopen

PATIENCE_S = 60
T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def get(url: str) -> Any:
    """Return the JSON of an answer."""
    with urlopen(url, timeout=PATIENCE_S) as answer:  # noqa: S310  (loopback)
        return json.load(answer)


def eventually(ask: Callable[[], T], what: str) -> T:
    """Ask until the answer is true; the last answer is returned."""
    deadline = time.monotonic() + PATIENCE_S
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE_S} s"
        time.sleep(0.1)
    return answer


@contextmanager
def running(command: list[str | Path], ready: str) -> Iterator[None]:
    """Keep a server running; `ready` is a URL that answers once it does."""
    log = Path(command[-1]).parent / f"{Path(command[0]).name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)

    def is_ready() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            urlopen(ready, timeout=PATIENCE_S).close()  # noqa: S310
        except (URLError, ConnectionError):
            return False
        return True

    try:
        eventually(is_ready, f"{command[0]} is ready")
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def alertmanager(folder: Path, webhook: int) -> Iterator[str]:
    """Run Alertmanager, which tells 127.0.0.1:`webhook` of every change at once; yields its URL."""
    folder.mkdir(exist_ok=True)
    config = folder / "alertmanager.json"
    route = {
        "receiver": "hook",
        "group_by": ["alert"],
        "group_wait": "0s",
        "group_interval": "1s",
        "repeat_interval": "24h",
    }
    hook = {"url": f"http://127.0.0.1:{webhook}/", "send_resolved": True}
    receivers = [{"name": "hook", "webhook_configs": [hook]}]
    config.write_text(json.dumps({"route": route, "receivers": receivers}))
    url = f"http://127.0.0.1:{free_port()}"
    command: list[str | Path] = [
        "prometheus-alertmanager",
        f"--web.listen-address={url.removeprefix('http://')}",
        # Alone: no other Alertmanager is looked for.
        "--cluster.listen-address=",
        f"--storage.path={folder}",
        "--config.file",
        config,
    ]
    with running(command, f"{url}/-/ready"):
        yield url


@contextmanager
def node_exporter(folder: Path) -> Iterator[str]:
    """Run node_exporter with nothing but its textfile collector over `folder`; yields its URL."""
    url = f"http://127.0.0.1:{free_port()}"
    command: list[str | Path] = [
        "prometheus-node-exporter",
        f"--web.listen-address={url.removeprefix('http://')}",
        "--collector.disable-defaults",
        "--collector.textfile",
        "--collector.textfile.directory",
        folder,
    ]
    with running(command, f"{url}/metrics"):
        yield url


@contextmanager
def prometheus(folder: Path, *targets: str) -> Iterator[str]:
    """Run Prometheus, which asks `targets` (host:port) every second; yields its URL."""
    folder.mkdir(exist_ok=True)
    config = folder / "prometheus.json"
    jobs = [
        {"job_name": target, "scrape_interval": "1s", "static_configs": [{"targets": [target]}]}
        for target in targets
    ]
    config.write_text(json.dumps({"scrape_configs": jobs}))
    url = f"http://127.0.0.1:{free_port()}"
    command: list[str | Path] = [
        "prometheus",
        f"--web.listen-address={url.removeprefix('http://')}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--config.file",
        config,
    ]
    with running(command, f"{url}/-/ready"):
        yield url
