"""`python3 -m agent VERB`: one JSON object on stdout, or one sentence on stderr."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Callable

from agent import daemon, doctor, lock, observe, run
from agent.errors import AgentError
from agent.journal import Journal

HOME = Path("/var/lib/kvmlab")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="agent", description=__doc__)
    parser.add_argument("--home", type=Path, default=HOME, help="the lab's folder on this host")
    parser.add_argument("--sysfs", type=Path, default=Path("/sys"), help="where sysfs is mounted")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("doctor", help="look what this host can do")
    verbs.add_parser("restore", help="undo what a dead agent left")
    _observing(verbs)
    for verb, summary in (
        ("start", "start the daemon for a plan"),
        ("status", "say how far it is"),
        ("pack", "merge the trials on disk"),
        ("stop", "ask the daemon to leave"),
    ):
        command = verbs.add_parser(verb, help=summary)
        command.add_argument("--run", type=Path, required=True, help="the run's folder")
        if verb == "start":
            command.add_argument(
                "--through", type=int, default=None, help="trials to run, from the first; else all"
            )
        if verb == "status":
            command.add_argument("--wait", type=float, default=0.0, help="seconds to wait at most")
            command.add_argument("--since", type=int, default=-1, help="trials known to be done")
    return parser.parse_args()


def _observing(verbs: Any) -> None:  # noqa: ANN401  (argparse keeps the type to itself)
    begin = verbs.add_parser("observe", help="start the daemon that watches VMs")
    begin.add_argument("--interval", type=float, required=True, help="seconds")
    begin.add_argument("--pid", type=int, action="append", default=[], help="not every VM")
    begin.add_argument("--count", type=int, default=0, help="intervals; 0 for no end")
    begin.add_argument("--wait-for-vm", action="store_true", help="go on without a VM")
    more = verbs.add_parser("observed", help="take the intervals that are over")
    more.add_argument("--wait", type=float, default=0.0, help="seconds to wait at most")
    verbs.add_parser("unobserve", help="end the daemon that watches VMs")


def _restore(words: argparse.Namespace) -> dict[str, Any]:
    lock.take(words.home, "restore")
    return {"restored": Journal(words.home).restore()}


def _observe(words: argparse.Namespace) -> dict[str, Any]:
    task = observe.Task(words.interval, words.pid, words.count, words.wait_for_vm)
    return observe.start(words.home, task)


def _pack(words: argparse.Namespace) -> dict[str, Any]:
    folder = run.RunFolder(words.run)
    state = daemon.status(folder)["state"]
    return {
        "state": state,
        "rows": folder.pack(),
        "path": str(folder.packed),
        "facts": folder.facts(),
    }


ANSWERS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "doctor": lambda words: doctor.examine(words.home, words.sysfs),
    "restore": _restore,
    "observe": _observe,
    "observed": lambda words: observe.ask(words.home, words.wait),
    "unobserve": lambda words: observe.stop(words.home),
    "start": lambda words: daemon.start(run.RunFolder(words.run), words.sysfs, words.through),
    "status": lambda words: daemon.status(run.RunFolder(words.run), words.wait, words.since),
    "pack": _pack,
    "stop": lambda words: daemon.stop(run.RunFolder(words.run)),
}


def _answer(arguments: argparse.Namespace) -> dict[str, Any]:
    arguments.home.mkdir(parents=True, exist_ok=True)
    return ANSWERS[arguments.verb](arguments)


def main() -> int:
    try:
        print(json.dumps(_answer(_arguments())))
    except AgentError as error:
        print(f"agent: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"agent: {error.filename or 'the host'}: {error.strerror}", file=sys.stderr)
        return AgentError.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
