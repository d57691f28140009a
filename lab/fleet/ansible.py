"""One playbook, played through ansible-runner; its events come back in the caller's thread.

ansible-runner as of 2.4: it hands the whole environment of this process to Ansible and writes it to
a file, switches host key checking off, forgets `settings` (all time-outs) that it was not to write
to a file, and on cancelling kills no more than the process group of
`ansible-playbook`, while Ansible's workers live in sessions of their own. All of it is undone here.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_runner.interface import init_runner

from lab.errors import FleetError
from lab.fleet.environment import minimal
from lab.paths import PLAYBOOKS

TIED = Path(__file__).with_name("tied.py")
Event = dict[str, Any]

# ansible-runner looks for time-outs and cancelling this often, in seconds.
LOOK_S = 1
# Ansible's workers get this long to end what they started on this machine.
GRACE_S = 5.0
# What ansible-runner's display plugin reads.
RUNNER_VARIABLES = (
    "AWX_ISOLATED_DATA_DIR",
    "ANSIBLE_CALLBACK_PLUGINS",
    "ANSIBLE_STDOUT_CALLBACK",
    "RUNNER_OMIT_EVENTS",
    "RUNNER_ONLY_FAILED_EVENTS",
)


@dataclass(frozen=True)
class Play:
    """What to play, on which hosts, and for how long at most (seconds)."""

    playbook: str
    inventory: Path
    hosts: list[str]
    timeout_s: float
    # Longest silence; must exceed the longest single task.
    idle_s: float
    variables: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """How a playbook ended: `successful`, `failed`, `timeout` or `canceled`."""

    status: str
    # Lines outside of any task: why Ansible did not even start.
    verbose: str


class _Canceller:
    """Ends Ansible in two steps: it is asked to end its workers, then ansible-runner kills it."""

    def __init__(self, cancel: threading.Event) -> None:
        self._cancel = cancel
        self._asked_at: float | None = None
        self.pid: int | None = None

    def __call__(self) -> bool:
        if not self._cancel.is_set():
            return False
        now = time.monotonic()
        if self._asked_at is None and self.pid is not None:
            self._asked_at = now
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
        return self._asked_at is None or now - self._asked_at > GRACE_S


def play(
    what: Play, on_event: Callable[[Event], None], cancel: threading.Event | None = None
) -> Ended:
    """Play it to the end, calling `on_event` here for every event, and leave nothing behind.

    `cancel` ends it early. Failures of hosts are events. Raises FleetError when ansible-runner
    breaks, and whatever `on_event` raises (after ending Ansible).
    """
    cancel = threading.Event() if cancel is None else cancel
    own_cancel = threading.Event()
    events: queue.Queue[Event | None] = queue.Queue()
    with tempfile.TemporaryDirectory(prefix="kvmlab-", ignore_cleanup_errors=True) as name:
        private = Path(name)
        canceller = _Canceller(own_cancel)

        def handle(event: Event) -> bool:
            events.put(event)
            # False: ansible-runner need not keep a file of it.
            return False

        runner = _prepare(what, private, handle, canceller)

        broken: list[Exception] = []

        def run() -> None:
            try:
                runner.run()
            except Exception as error:  # noqa: BLE001  (raised again below, in the caller's thread)
                broken.append(error)
            finally:
                events.put(None)

        thread = threading.Thread(target=run, name=f"ansible {what.playbook}")
        verbose: list[str] = []
        try:
            thread.start()
            for event in _until_end(events, cancel, own_cancel):
                if canceller.pid is None:
                    canceller.pid = event.get("pid")
                if event["event"] == "verbose":
                    verbose.append(event.get("stdout", ""))
                on_event(event)
        finally:
            own_cancel.set()
            thread.join()
            _sweep(private)
    for error in broken:
        raise FleetError(f"ansible-runner broke in {what.playbook}: {error}") from error
    status = "canceled" if runner.canceled else str(runner.status)
    return Ended(status, "\n".join(verbose))


def _until_end(
    events: queue.Queue[Event | None], cancel: threading.Event, own_cancel: threading.Event
) -> Iterator[Event]:
    """Yield events until None comes, passing a wish to cancel on."""
    while True:
        if cancel.is_set():
            own_cancel.set()
        try:
            event = events.get(timeout=LOOK_S)
        except queue.Empty:
            continue
        if event is None:
            return
        yield event


def _prepare(
    what: Play, private: Path, handle: Callable[[Event], bool], cancelled: Callable[[], bool]
) -> Any:  # noqa: ANN401  (ansible-runner is untyped)
    settings = private / "env" / "settings"
    settings.parent.mkdir()
    settings.write_text(
        json.dumps(
            {
                "job_timeout": what.timeout_s,
                "idle_timeout": what.idle_s,
                "pexpect_timeout": LOOK_S,
                "suppress_output_file": True,
            }
        )
    )
    runner = init_runner(
        private_data_dir=str(private),
        project_dir=str(PLAYBOOKS),
        playbook=what.playbook,
        inventory=str(what.inventory.resolve()),
        limit=",".join(what.hosts),
        forks=len(what.hosts),
        extravars=what.variables,
        event_handler=handle,
        cancel_callback=cancelled,
        suppress_env_files=True,
        quiet=True,
    )
    own = {name: runner.config.env[name] for name in RUNNER_VARIABLES if name in runner.config.env}
    # A directory list; the user's own come first in it.
    own["ANSIBLE_CALLBACK_PLUGINS"] = own["ANSIBLE_CALLBACK_PLUGINS"].rpartition(os.pathsep)[2]
    runner.config.env = minimal(private) | own
    runner.config.command = [
        *(sys.executable, str(TIED), str(os.getpid())),
        *(sys.executable, "-m", "ansible", "playbook"),
        *runner.config.command[1:],
    ]
    return runner


def _sweep(private: Path) -> None:
    """End what is left of this Ansible, known by a folder in its environment that is all its own.

    That is SSH's shared connections, and workers after a kill. Agents have another environment.
    """
    mark = f"AWX_ISOLATED_DATA_DIR={private}/".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)
