"""Kills a night at every moment that leaves something on a disk, and lets it go on.

    python -m tests.lab.nightly.killing FOLDER STEP

prints a line of JSON for each STEP-th moment. Everything slow is imported once, and each night is a
fork of it: no thread runs here, which a fork would lose.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.lab.nightly.world import FIRST, World, twice

TONIGHT = 12
MOMENTS = "moments"
MAKING = ("fsync", "link", "replace", "rename")


def forked(do: Callable[[], object]) -> int:
    """Do something in a child, and return how that ended (as os.waitstatus_to_exitcode does)."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        do()
        os._exit(0)
    except BaseException:  # noqa: BLE001  (a child must not go on as the parent)
        traceback.print_exc()
        os._exit(1)


def night(folder: Path, numbers: range, kill_at: int | None = None) -> None:
    """Go through nights; at the `kill_at`-th moment the process is killed. Counts the moments."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        world = World(folder)
        world.install(monkeypatch)
        count = 0

        def moment() -> None:
            nonlocal count
            if count == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1

        def watched(call: Callable[..., Any]) -> Callable[..., Any]:
            def around(*arguments: Any, **options: Any) -> Any:
                moment()
                answer = call(*arguments, **options)
                moment()
                return answer

            return around

        for name in MAKING:
            monkeypatch.setattr(os, name, watched(getattr(os, name)))
        monkeypatch.setattr(World, "trial", watched(World.trial))
        for number in numbers:
            world.night(number)
        (folder / MOMENTS).write_text(str(count))


def look(folder: Path) -> dict[str, Any]:
    """Say what a night left behind."""
    state = folder / "state" / "night"
    (journal,) = (state / "ended").glob(f"{FIRST + timedelta(TONIGHT)}.jsonl")
    steps = [json.loads(line) for line in journal.read_text().splitlines()]
    (verdict,) = (each["result"] for each in steps if each["step"] == "ended")
    world = World(folder)
    return {
        "kind": verdict["kind"],
        "alerts": verdict["alerts"],
        # Two runs that begin in the same second are told apart by a number, which is no fact here.
        "runs": sorted(re.sub(r".*-question(-\d+)?", "", run) for run in verdict["runs"]),
        "steps": [each["step"] for each in steps],
        "unfinished": [path.name for path in state.glob("*.jsonl")],
        "nights": len(list((folder / "store" / "nights" / "night").glob("[0-9]*"))),
        "trials": len(world.ledger),
        "twice": sorted(twice(world.ledger)),
        "sent": world.sent,
        "pages": sorted(path.name for path in (state / "site").iterdir()),
        "overview": verdict["sentence"] in (state / "site" / "index.html").read_text(),
    }


def say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    # What is buffered would be written again by each fork.
    sys.stdout.flush()


def main() -> None:
    folder, step = Path(sys.argv[1]), int(sys.argv[2])
    before, whole = folder / "before", folder / "whole"
    World(before)
    assert forked(lambda: night(before, range(TONIGHT))) == 0
    World(before).change(factor=1.3)
    tonight = range(TONIGHT, TONIGHT + 1)
    shutil.copytree(before, whole)
    assert forked(lambda: night(whole, tonight)) == 0
    say({"moment": None, **look(whole)})
    for moment in range(0, int((whole / MOMENTS).read_text()), step):
        copy = folder / str(moment)
        shutil.copytree(before, copy)
        killed = forked(lambda copy=copy, at=moment: night(copy, tonight, at))  # type: ignore[misc]
        resumed = forked(lambda copy=copy: night(copy, tonight))  # type: ignore[misc]
        left = look(copy) if resumed == 0 else {}
        say({"moment": moment, "killed": killed, "resumed": resumed, **left})
        shutil.rmtree(copy)


if __name__ == "__main__":
    main()
