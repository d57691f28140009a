"""The guard: a process that restores the host when the agent dies, whatever killed it."""

from __future__ import annotations

import os
import signal
import sys

from agent.errors import AgentError
from agent.journal import Journal


def post(journal: Journal) -> None:
    """Fork the guard. It waits for the agent's end of a pipe to close, which only death does.

    Call it before any thread exists and after the lock is taken: the guard inherits the lock and so
    keeps the host until it is restored.
    """
    watched, held = os.pipe()
    if os.fork():
        os.close(watched)
        os.set_inheritable(held, False)  # noqa: FBT003
        return
    status = 3
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        os.close(held)
        while os.read(watched, 1):
            pass
        journal.restore()
        status = 0
    except (AgentError, OSError) as error:
        print(f"guard: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(status)
