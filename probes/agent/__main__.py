"""`python3 -m agent VERB`: one JSON object on stdout, or one sentence on stderr."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from agent import daemon, doctor, lock, run
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
    for verb, summary in (
        ("start", "start the daemon for a plan"),
        ("status", "say how far it is"),
        ("pack", "merge the trials on disk"),
        ("stop", "ask the daemon to leave"),
    ):
        command = verbs.add_parser(verb, help=summary)
        command.add_argument("--run", type=Path, required=True, help="the run's folder")
        if verb == "status":
            command.add_argument("--wait", type=float, default=0.0, help="seconds to wait at most")
            command.add_argument("--since", type=int, default=-1, help="trials known to be done")
    return parser.parse_args()


def _answer(arguments: argparse.Namespace) -> dict[str, Any]:
    home: Path = arguments.home
    home.mkdir(parents=True, exist_ok=True)
    if arguments.verb == "doctor":
        return doctor.examine(home, arguments.sysfs)
    if arguments.verb == "restore":
        lock.take(home, "restore")
        return {"restored": Journal(home).restore()}
    folder = run.RunFolder(arguments.run)
    if arguments.verb == "start":
        return daemon.start(folder, arguments.sysfs)
    if arguments.verb == "stop":
        return daemon.stop(folder)
    if arguments.verb == "status":
        return daemon.status(folder, arguments.wait, arguments.since)
    state = daemon.status(folder)["state"]
    return {
        "state": state,
        "rows": folder.pack(),
        "path": str(folder.packed),
        "facts": folder.facts(),
    }


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
