"""The agent as a daemon: start it, ask it, stop it. It outlives whoever started it."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, Callable

from agent.process import alive, boot_id
from agent.run import RunFolder, execute

POLL_S = 0.5
RUNNING = "running"
KILLED = "the agent was killed and its guard restored the host: resume the run"
REBOOTED = (
    "the host came up anew while the agent ran, as its log may explain: resume the run on what it "
    "is now"
)


def start(folder: RunFolder, sysfs: Path, through: int | None = None) -> dict[str, Any]:
    """Start the daemon for the first `through` trials, unless it runs or has none left to do.

    Raises AgentError when the plan cannot be used.
    """
    trials = folder.plan()["trials"][:through]
    state = status(folder)
    if state["state"] == RUNNING or (state["state"] == "complete" and state["done"] >= len(trials)):
        return {"state": state["state"], "pid": state.get("pid")}

    def announce() -> None:
        folder.trials.mkdir(exist_ok=True)
        # From here on whoever asks finds a running agent, before the starter has its answer.
        folder.write_state(RUNNING, len(trials), "starting")

    pid = spawn(folder.path / "agent.log", announce, lambda: execute(folder, sysfs, through))
    return {"state": RUNNING, "pid": pid}


def spawn(log: Path, announce: Callable[[], None], work: Callable[[], None]) -> int:
    """Do `work` in a daemon that writes to `log`; return its pid once it has done `announce`."""
    read_end, write_end = os.pipe()
    if os.fork() == 0:
        os.close(read_end)
        _become_daemon(log)
        announce()
        os.write(write_end, str(os.getpid()).encode())
        os.close(write_end)
        work()
        os._exit(0)
    os.close(write_end)
    pid = os.read(read_end, 32)
    os.close(read_end)
    os.wait()
    return int(pid)


def _become_daemon(path: Path) -> None:
    os.setsid()
    if os.fork():
        os._exit(0)
    os.chdir("/")
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    sys.stdout = os.fdopen(1, "w", buffering=1)
    sys.stderr = os.fdopen(2, "w", buffering=1)


def status(folder: RunFolder, wait_s: float = 0.0, since: int = -1) -> dict[str, Any]:
    """Return the state, at once when more than `since` trials are done or no agent runs.

    Otherwise it waits for either, at most `wait_s` seconds.
    """
    deadline = time.monotonic() + wait_s
    while True:
        state = _state(folder)
        if state["state"] != RUNNING or state["done"] > since >= 0 or time.monotonic() >= deadline:
            return state
        time.sleep(POLL_S)


def _state(folder: RunFolder) -> dict[str, Any]:
    state = folder.state()
    if state is None:
        return {"state": "absent", "done": 0, "total": 0, "current": None, "error": None}
    if state["state"] != RUNNING:
        return state
    # A number of a process says nothing after a reboot.
    rebooted = state["boot_id"] != boot_id()
    if not rebooted and alive(state["pid"], state["pid_started"]):
        return state
    error = REBOOTED if rebooted else KILLED
    return {**state, "state": "interrupted", "done": folder.done(), "error": error}


def stop(folder: RunFolder, patience_s: float = 30.0) -> dict[str, Any]:
    """Ask the daemon to leave and wait until it has."""
    state = _state(folder)
    if state["state"] == RUNNING:
        os.kill(state["pid"], signal.SIGTERM)
        deadline = time.monotonic() + patience_s
        while alive(state["pid"], state["pid_started"]) and time.monotonic() < deadline:
            time.sleep(0.1)
    return _state(folder)
