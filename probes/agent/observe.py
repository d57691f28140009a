"""Watch VMs that run on this host, change nothing, and leave nothing.

The observer is a daemon in a mount namespace whose /tmp, where it was shipped to, is its own: with
its last process all it ever wrote is gone, whatever ended it. Whoever asks enters that namespace.
Nobody need end it: when nobody has asked for a while, it leaves.
"""

from __future__ import annotations

import os
import platform
import signal
import time
import traceback
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from agent import SCHEMA, bpf, daemon, vms
from agent.errors import AgentError, Stopped, UnsupportedError
from agent.files import read_json, write_json
from agent.observation import Observation
from agent.probe import Probe
from agent.process import alive, start_time
from agent.run import stoppable

# Who has not asked for so long has gone: a lost line gets this time to come back.
PATIENCE_S = 30.0
LOOK_S = 0.2
# Looking through the descriptors of all processes takes no more than this share of a CPU.
SEARCH_SHARE = 0.02
NO_VM = "no VM runs on this host: start one, or pass --wait to wait for one"


@dataclass(frozen=True)
class Task:
    """What to watch: these pids, or every VM; `count` intervals, 0 for no end."""

    interval_s: float
    pids: list[int]
    count: int
    wait: bool


class Folder:
    """What the daemon and those who ask share: its state, and intervals not yet taken."""

    def __init__(self, home: Path) -> None:
        self.path = home / "observed"
        self.log = home / "agent.log"
        self._state = self.path / "state.json"
        self._asked = self.path / "asked"

    def create(self) -> None:
        self.path.mkdir()
        self.ask()

    def write_state(self, state: str, error: str | None = None) -> None:
        pid = os.getpid()
        document = {"state": state, "error": error, "pid": pid, "pid_started": start_time(pid)}
        write_json(self._state, document)

    def state(self) -> dict[str, Any]:
        if not self._state.exists():
            return {"state": "absent", "error": None}
        state: dict[str, Any] = read_json(self._state)
        if state["state"] == daemon.RUNNING and not alive(state["pid"], state["pid_started"]):
            return {**state, "state": "failed", "error": "the observer was killed on the host"}
        return state

    def add(self, document: dict[str, Any]) -> None:
        write_json(self.path / f"{document['interval']:09d}.fresh", document)

    def fresh(self) -> list[Path]:
        return sorted(self.path.glob("*.fresh"))

    def take(self) -> list[dict[str, Any]]:
        """Return the intervals of the last answer, which may be lost, and all since."""
        told, fresh = sorted(self.path.glob("*.told")), self.fresh()
        found = [read_json(path) for path in (*told, *fresh)]
        for path in told:
            path.unlink()
        for path in fresh:
            path.rename(path.with_suffix(".told"))
        return found

    def ask(self) -> None:
        self._asked.touch()

    def asked(self) -> int:
        """Return a number that changes whenever somebody asks."""
        return self._asked.stat().st_mtime_ns


class DesertedError(Exception):
    """Nobody asks any more."""


class _Audience:
    """Knows how long nobody has asked, by the monotonic clock."""

    def __init__(self, folder: Folder, patience_s: float) -> None:
        self._folder = folder
        self._patience_s = patience_s
        self._last = folder.asked()
        self._since = time.monotonic()

    def wait(self, until: float) -> None:
        """Sleep until this instant of the monotonic clock; DesertedError when nobody is left."""
        while True:
            asked, now = self._folder.asked(), time.monotonic()
            if asked != self._last:
                self._last, self._since = asked, now
            if now - self._since > self._patience_s:
                raise DesertedError
            if now >= until:
                return
            time.sleep(min(LOOK_S, until - now))


def start(home: Path, task: Task) -> dict[str, Any]:
    """Start the daemon.

    Raises UnsupportedError when there is no VM to watch, AgentError for a pid that is none.
    """
    for pid in task.pids:
        if not Path(f"/proc/{pid}").is_dir():
            raise AgentError(f"no process has the pid {pid} on this host: see `--pid`")
        if not vms.holds_vm(pid):
            raise AgentError(
                f"process {pid} is no VM: none of its descriptors is KVM's (anon_inode:kvm-vm)"
            )
    found = vms.find(task.pids)
    if not found and not task.wait:
        raise UnsupportedError(NO_VM)
    folder = Folder(home)

    def announce() -> None:
        folder.create()
        folder.write_state(daemon.RUNNING)

    pid = daemon.spawn(folder.log, announce, lambda: _work(home, folder, task))
    return {"state": daemon.RUNNING, "pid": pid, "vms": len(found), **_host()}


def ask(home: Path, wait_s: float) -> dict[str, Any]:
    """Return the state and the intervals that came in, waiting for one at most `wait_s`."""
    folder = Folder(home)
    deadline = time.monotonic() + wait_s
    while True:
        state = folder.state()
        if state["state"] == "absent":
            return {**state, "intervals": []}
        folder.ask()
        if folder.fresh() or state["state"] != daemon.RUNNING or time.monotonic() >= deadline:
            return {**state, "intervals": folder.take()}
        time.sleep(LOOK_S)


def stop(home: Path, patience_s: float = 10.0) -> dict[str, Any]:
    """End the daemon and wait until it has gone. A kill is as clean as any end of it.

    It is deaf to the gentle signal while it compiles.
    """
    state = Folder(home).state()
    pid, started = state.get("pid", 0), state.get("pid_started")
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + patience_s
        if alive(pid, started):
            os.kill(pid, number)
        while alive(pid, started) and time.monotonic() < deadline:
            time.sleep(LOOK_S)
    return {"state": "stopped"}


def _host() -> dict[str, str]:
    return {
        "hostname": platform.node(),
        "kernel": platform.release(),
        "machine": platform.machine(),
    }


def _work(home: Path, folder: Folder, task: Task) -> None:
    """Observe to the end, tell the end to whoever asks, and go."""
    audience = _Audience(folder, PATIENCE_S + task.interval_s)
    # The guests go first.
    os.nice(5)
    try:
        with stoppable():
            try:
                _observe(home, folder, task, audience)
                folder.write_state("complete")
            except UnsupportedError as error:
                folder.write_state("unsupported", str(error))
            except AgentError as error:
                folder.write_state("failed", str(error))
            except Exception as error:  # noqa: BLE001  (said to whoever asks: there is no other log)
                broken = f"the observer broke ({type(error).__name__}: {error})"
                folder.write_state("failed", f"{broken}: {_last_frame(error)}")
            audience.wait(float("inf"))
    except (Stopped, DesertedError) as end:
        print(f"agent: {end or 'nobody asks any more'}", flush=True)


def _last_frame(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name} line {frame.lineno}"


def _observe(home: Path, folder: Folder, task: Task, audience: _Audience) -> None:
    bpf.prepare(home)
    with closing(Probe({"phases"}, observing=True)) as probe:
        observation = Observation(probe)
        search = _Search(task)
        search.add_to(observation)
        probe.attach()
        try:
            _intervals(folder, task, audience, observation, search)
        finally:
            probe.detach()


def _intervals(
    folder: Folder, task: Task, audience: _Audience, observation: Observation, search: _Search
) -> None:
    probe = observation.probe
    # What came in while the events were attached one after the other is in no interval.
    observation.interval()
    began, number = time.monotonic(), 0
    while not task.count or number < task.count:
        # An interval that took long to read does not make the next one short.
        audience.wait(began + task.interval_s)
        watched = bool(observation.pids)
        found = observation.interval()
        ended = time.monotonic()
        search.add_to(observation)
        folder.add(
            {
                "schema": SCHEMA,
                "kind": "observation",
                "interval": number,
                "at": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
                "duration_ns": round((ended - began) * 1e9),
                "vms": found,
                "dropped": probe.dropped,
                "attach": probe.kinds,
            }
        )
        began, number = ended, number + 1
        if watched and not observation.pids and not task.wait:
            return


class _Search:
    """Finds VMs that are new, now and then: how often depends on what a look costs."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._next = 0.0

    def add_to(self, observation: Observation) -> None:
        began = time.monotonic()
        if began < self._next:
            return
        for vm in vms.find(self._task.pids):
            if vm.pid not in observation.pids:
                observation.add(vm)
        ended = time.monotonic()
        self._next = ended + (ended - began) / SEARCH_SHARE
