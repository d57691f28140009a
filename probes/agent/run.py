"""One run on this host: lock, guard, prepare, every trial without a row, restore."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agent import SCHEMA, bpf, facts, guest, knobs, kvm, linux, lock, trials, vms
from agent.errors import AgentError, Stopped, UnsupportedError
from agent.files import read_json, write_atomic, write_json
from agent.guard import post
from agent.journal import Journal
from agent.probes import Probes
from agent.process import boot_id, start_time
from agent.tuning import Tuning

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


# Room to say on a full disk that it is full.
RESERVE_BYTES = 1 << 16


class RunFolder:
    """`/var/lib/kvmlab/runs/<run>`: the plan, the state, the trials done."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trials = path / "trials"
        self.packed = path / "results.jsonl.gz"
        self.reserve = path / "reserve"
        self.home = path.parent.parent

    def plan(self) -> dict[str, Any]:
        """Return the plan; AgentError when it is of another schema or has no trials."""
        plan: dict[str, Any] = read_json(self.path / "plan.json")
        if plan.get("schema") != SCHEMA:
            raise AgentError(
                f"{self.path}/plan.json has schema {plan.get('schema')}, not {SCHEMA}: "
                "plan and probes must come from one version of the lab"
            )
        if not plan["trials"]:
            raise AgentError(f"{self.path}/plan.json has no trials: nothing to do")
        return plan

    def state(self) -> dict[str, Any] | None:
        path = self.path / "state.json"
        state: dict[str, Any] | None = read_json(path) if path.exists() else None
        return state

    def write_state(
        self, state: str, total: int, current: str | None = None, error: str | None = None
    ) -> None:
        """Say how far this process is with the plan."""
        pid = os.getpid()
        document = {
            "state": state,
            "boot_id": boot_id(),
            "pid": pid,
            "pid_started": start_time(pid),
            "done": self.done(),
            "total": total,
            "current": current,
            "error": error,
        }
        write_json(self.path / "state.json", document)

    def facts(self) -> dict[str, Any] | None:
        path = self.path / "facts.json"
        found: dict[str, Any] | None = read_json(path) if path.exists() else None
        return found

    def row_path(self, number: int) -> Path:
        return self.trials / f"{number:06d}.json"

    def done(self) -> int:
        return sum(1 for _ in self.trials.glob("[0-9]*.json"))

    def pack(self) -> int:
        """Merge the rows on disk, in order, to results.jsonl.gz; return how many there are."""
        rows = sorted(self.trials.glob("[0-9]*.json"))
        # No time stamp inside: the same rows pack to the same bytes.
        content = b"".join(path.read_bytes() for path in rows)
        write_atomic(self.packed, gzip.compress(content, mtime=0))
        return len(rows)


def execute(folder: RunFolder, sysfs: Path, through: int | None = None) -> None:
    """Run what is left of the plan in this process, and leave its end in the state file.

    With `through`, the plan ends after so many trials.

    Signals end it after the knobs are restored. Nothing is raised: the state tells.
    """
    total = 0

    def state(name: str, current: str | None = None, error: str | None = None) -> None:
        folder.write_state(name, total, current, error)

    try:
        with stoppable():
            folder.trials.mkdir(exist_ok=True)
            write_atomic(folder.reserve, bytes(RESERVE_BYTES))
            plan = folder.plan()
            plan["trials"] = plan["trials"][:through]
            total = len(plan["trials"])
            state("running", "preparing")
            _run(folder, plan, sysfs, lambda current: state("running", current))
        folder.reserve.unlink(missing_ok=True)
        state("complete")
    except Stopped as stop:
        state("interrupted", error=f"stopped by {stop}; a resume goes on from here")
    except UnsupportedError as error:
        state("unsupported", error=str(error))
    except AgentError as error:
        _leave(folder, state, error)
    except Exception as error:
        _leave(
            folder,
            state,
            AgentError(f"the agent broke ({type(error).__name__}: {error}); see agent.log"),
        )
        raise


def _leave(folder: RunFolder, state: Any, error: AgentError) -> None:  # noqa: ANN401
    """Say why the run failed, also on a full disk: the reserve makes room for it."""
    folder.reserve.unlink(missing_ok=True)
    with contextlib.suppress(AgentError):
        state("failed", error=str(error))
    with contextlib.suppress(OSError):
        print(f"agent: {error}", flush=True)


def _run(folder: RunFolder, plan: dict[str, Any], sysfs: Path, progress: Any) -> None:  # noqa: ANN401
    home = folder.home
    lock.take(home, plan["run"])
    journal = Journal(home)
    # Left by an agent that died together with its guard.
    journal.restore()
    post(journal)
    try:
        kvm.look()
        _refuse_foreign_vms(plan)
        tuned = Tuning(plan.get("tuning", {}), journal, sysfs)
        tuned.apply()
        vcpu_cpu = _spread()
        tuned.isolate(vcpu_cpu)
        binary = guest.build(home)
        asked = {trial["workload"]["guest"] for trial in plan["trials"]}
        # To find out what Linux guests a host can have costs a VM of QEMU's.
        describe = linux.describe if asked & set(linux.WORKLOADS) else guest.describe
        description = describe(binary)
        headers = bpf.prepare(home)
        catalog = knobs.catalog(sysfs)
        found = _facts(catalog, vcpu_cpu, description, headers)
        write_json(folder.path / "facts.json", {**found, "tuning": tuned.facts})
        probes = Probes()
        bench = trials.Bench(
            binary,
            description["workloads"],
            probes,
            catalog,
            journal,
            folder.path,
            vcpu_cpu,
            plan["trial_timeout_s"],
        )
        deadline = time.monotonic() + plan["time_budget_s"]
        for trial in plan["trials"]:
            path = folder.row_path(trial["trial"])
            if path.exists():
                continue
            if time.monotonic() > deadline:
                raise AgentError(
                    f"the time budget of {plan['time_budget_s']:g} s ended with {folder.done()} of "
                    f"{len(plan['trials'])} trials done: resume the run, or raise time_budget_s"
                )
            progress(f"{trial['workload']['name']} {_label(trial['setting'])}")
            row = {**trials.header(plan["run"], plan["host"]), **bench.trial(trial)}
            write_atomic(path, json.dumps(row, separators=(",", ":")).encode() + b"\n")
        probes.close()
    finally:
        with _deaf():
            journal.restore()
    folder.pack()


def _label(setting: dict[str, int]) -> str:
    return " ".join(f"{knob}={value}" for knob, value in setting.items())


def _facts(
    catalog: dict[str, knobs.Knob], vcpu_cpu: int | None, description: dict[str, Any], headers: str
) -> dict[str, Any]:
    cpus = {"vcpu": vcpu_cpu, "housekeeping": sorted(os.sched_getaffinity(0))}
    found = facts.collect(catalog, cpus, description)
    found["kvm"]["api_version"] = description["kvm_api_version"]
    found["versions"]["bcc"] = bpf.version()
    found["guest"] = description
    found["headers"] = headers
    found["probes_sha256"] = guest.SHIPPED.name.partition("-")[2] or None
    return found


def _refuse_foreign_vms(plan: dict[str, Any]) -> None:
    asked = {trial["workload"].get("domain") for trial in plan["trials"]}
    foreign = [vm.pid for vm in vms.find([]) if vm.name not in asked]
    if foreign and not plan["allow_foreign_vms"]:
        raise AgentError(
            f"other VMs run on this host (pid {', '.join(map(str, foreign))}) and would blur the "
            "measurement: stop them, or allow them with --allow-foreign-vms"
        )


def _spread() -> int | None:
    """Leave the last CPU to the vCPU and move this process to the others.

    A vCPU polls only while nothing else wants its CPU. With one CPU there is nothing to spread.
    """
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) == 1:
        return None
    os.sched_setaffinity(0, cpus[:-1])
    return cpus[-1]


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Let signals raise Stopped, until the end; then they are ignored."""

    def stop(number: int, _frame: object) -> None:
        raise Stopped(signal.Signals(number).name)

    for number in STOPPING:
        signal.signal(number, stop)
    yield
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Let no signal cut the restoring short."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
