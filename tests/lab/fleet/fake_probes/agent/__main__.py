"""Does what `fake` in its plan says: complete, slow, fail, die, hang, refuse or unsupported."""

from __future__ import annotations

import argparse
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

# After so many trials the modes that break off do.
BREAK = 2


def _state(run: Path) -> dict[str, Any]:
    trials = len(json.loads((run / "plan.json").read_text())["trials"])
    done = len(list(run.glob("trials/*.json")))
    answer = {"state": "absent", "done": done, "total": trials, "current": None, "error": None}
    if (run / "state.json").exists():
        answer.update(json.loads((run / "state.json").read_text()))
    if answer["state"] == "running" and not Path(f"/proc/{answer['pid']}").exists():
        answer.update(state="interrupted", error="the agent was killed")
    return answer


def _write(path: Path, document: dict[str, Any]) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(document) + "\n")
    temporary.rename(path)


def _daemon(home: Path, run: Path, through: int | None) -> None:
    knob = home / "knob"
    plan = json.loads((run / "plan.json").read_text())
    mode, first = plan["fake"], not (run / "trials").exists()
    total = through or len(plan["trials"])
    boot = home / "boot_id"
    (run / "trials").mkdir(exist_ok=True)

    def end(state: str, error: str | None = None) -> None:
        knob.unlink(missing_ok=True)
        said = {"state": state, "pid": os.getpid(), "error": error, "total": total}
        _write(run / "state.json", said)
        sys.exit()

    signal.signal(signal.SIGTERM, lambda *_: end("interrupted", "stopped by SIGTERM"))
    knob.write_text("changed")
    if mode == "unsupported":
        end("unsupported", "/dev/kvm cannot be opened: load the KVM module")
    for number in range(total):
        row = run / "trials" / f"{number:06d}.json"
        if row.exists():
            continue
        if number == BREAK and mode == "fail":
            end("failed", "the guest does not build")
        if number == BREAK and mode == "die" and first:
            os.kill(os.getpid(), signal.SIGKILL)
        if number == BREAK and mode == "hang":
            time.sleep(600)
        if mode == "slow":
            time.sleep(1.5)
        booted = {"boot_id": boot.read_text()} if boot.exists() else {}
        _write(row, {"trial": number, "pid": os.getpid(), **booted})
    end("complete")


def _start(home: Path, run: Path, through: int | None) -> dict[str, Any]:
    if json.loads((run / "plan.json").read_text())["fake"] == "refuse":
        sys.exit("agent: the fake refuses, and says hunter2-secret")
    state = _state(run)
    wanted = through or state["total"]
    if state["state"] == "running" or (state["state"] == "complete" and state["done"] >= wanted):
        return {"state": state["state"], "pid": state["pid"]}
    daemon = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "agent",
            "--home",
            str(home),
            "daemon",
            "--run",
            str(run),
            "--through",
            str(wanted),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    _write(run / "state.json", {"state": "running", "pid": daemon.pid, "total": wanted})
    return {"state": "running", "pid": daemon.pid}


def _wait(run: Path, seconds: float) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while _state(run)["state"] == "running" and time.monotonic() < deadline:
        time.sleep(0.05)
    return _state(run)


def _pack(run: Path) -> dict[str, Any]:
    rows = sorted(run.glob("trials/*.json"))
    packed = run / "results.jsonl.gz"
    packed.write_bytes(gzip.compress(b"".join(row.read_bytes() for row in rows)))
    facts = {"hostname": "fake", "environment": sorted(os.environ)}
    return {"state": _state(run)["state"], "rows": len(rows), "path": str(packed), "facts": facts}


def _stop(run: Path) -> dict[str, Any]:
    state = _state(run)
    if state["state"] == "running":
        os.kill(state["pid"], signal.SIGTERM)
        _wait(run, 10)
    return _state(run)


def _restore(home: Path) -> dict[str, Any]:
    if not (home / "knob").exists():
        return {"restored": []}
    (home / "knob").unlink()
    return {"restored": [{"knob": "fake", "value": "as found"}]}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("verb")
    parser.add_argument("--run", type=Path)
    parser.add_argument("--wait", type=float, default=0.0)
    parser.add_argument("--through", type=int)
    arguments = parser.parse_args()
    home, run = arguments.home, arguments.run
    match arguments.verb:
        case "daemon":
            _daemon(home, run, arguments.through)
            return
        case "doctor":
            answer: dict[str, Any] = {"checks": [], "facts": {"hostname": "fake"}}
        case "start":
            answer = _start(home, run, arguments.through)
        case "status":
            answer = _wait(run, arguments.wait)
        case "pack":
            answer = _pack(run)
        case "stop":
            answer = _stop(run)
        case "restore":
            answer = _restore(home)
        case verb:
            sys.exit(f"agent: no verb {verb}")
    print(json.dumps(answer))  # noqa: T201  (the protocol)


if __name__ == "__main__":
    main()
