"""Watch VMs with the probe, under the host's own Python: `watch.py PROBES HOME SPEC`.

SPEC is JSON: {"levels": […], "ceiling": ns, "vms": [[VMM options], …], "after": null | ACTION}.
ACTION is done once while the VMs run: `burn` (a busy task on the first VM's CPU until the end),
`move` (its vCPU to the other CPU and back), `kill` (its VMM), `restart` (the counts, while the VMM
stands still). `reuse` runs the VMs one
after the other, each with the pid of the first. Prints [{"guest", "pid", row keys}, …].
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, sys.argv[1])

from agent import bpf, guest
from agent.errors import AgentError
from agent.probe import Watched
from agent.probes import Probes

LAST_PID = Path("/proc/sys/kernel/ns_last_pid")


def watched(vm: guest.Vm, ceiling: int) -> Watched:
    return Watched(vm.ready["pid"], ceiling, {v["tid"]: v["id"] for v in vm.ready["vcpus"]})


def burn(vm: guest.Vm, _probes: Probes) -> Iterator[None]:
    cpus = os.sched_getaffinity(vm.ready["vcpus"][0]["tid"])
    child = os.fork()
    if not child:
        os.sched_setaffinity(0, cpus)
        while True:
            pass
    yield
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def move(vm: guest.Vm, _probes: Probes) -> Iterator[None]:
    tid = vm.ready["vcpus"][0]["tid"]
    home = os.sched_getaffinity(tid)
    for cpus in (set(range(os.cpu_count() or 1)) - home, home):
        time.sleep(0.05)
        os.sched_setaffinity(tid, cpus)
    yield


def kill(vm: guest.Vm, _probes: Probes) -> Iterator[None]:
    time.sleep(0.1)
    os.kill(vm.ready["pid"], signal.SIGKILL)
    yield


def restart(vm: guest.Vm, probes: Probes) -> Iterator[None]:
    time.sleep(0.2)
    os.kill(vm.ready["pid"], signal.SIGSTOP)
    while (state := _state(vm)) != "T":
        time.sleep(0.01)
        assert state
    probes.restart()
    os.kill(vm.ready["pid"], signal.SIGCONT)
    yield


def _state(vm: guest.Vm) -> str:
    task = Path(f"/proc/{vm.ready['pid']}/task/{_tid(vm)}/stat")
    return task.read_text().rpartition(")")[2].split()[0]


ACTIONS = {"burn": burn, "move": move, "kill": kill, "restart": restart}


def together(spec: dict[str, Any], binary: Path, probes: Probes) -> list[dict[str, Any]]:
    vms = [guest.Vm(binary, options, 60) for options in spec["vms"]]
    probes.begin([watched(vm, spec["ceiling"]) for vm in vms])
    for vm in vms:
        vm.go()
    action = ACTIONS[spec["after"]](vms[0], probes) if spec["after"] else iter([None])
    next(action)
    results = []
    for vm in vms:
        try:
            results.append(vm.result(probes.drain))
        except AgentError:
            results.append({})
    for _ in action:
        pass
    seen = probes.end()
    for vm in vms:
        vm.close()
    return [
        {"guest": result, "pid": vm.ready["pid"], **seen[vm.ready["pid"]]}
        for vm, result in zip(vms, results, strict=True)
    ]


def reuse(spec: dict[str, Any], binary: Path, probes: Probes) -> list[dict[str, Any]]:
    first = guest.Vm(binary, spec["vms"][0], 60)
    pid = first.ready["pid"]
    probes.begin([watched(first, spec["ceiling"])])
    results = [first.run(probes.drain)]
    first.close()
    for options in spec["vms"][1:]:
        for _ in range(200):
            # Another process may be quicker to take the number.
            with contextlib.closing(_next(binary, options, pid)) as vm:
                if vm.ready["pid"] == pid and vm.ready["vcpus"][0]["tid"] == _tid(first):
                    results.append(vm.run(probes.drain))
                    break
    seen = probes.end()
    return [{"guest": result, "pid": pid, **seen[pid]} for result in results]


def _next(binary: Path, options: list[str], pid: int) -> guest.Vm:
    LAST_PID.write_text(f"{pid - 1}")
    return guest.Vm(binary, options, 60)


def _tid(vm: guest.Vm) -> int:
    return int(vm.ready["vcpus"][0]["tid"])


def main() -> None:
    home, spec = Path(sys.argv[2]), json.loads(sys.argv[3])
    home.mkdir(parents=True, exist_ok=True)
    binary = guest.build(home)
    bpf.prepare(home)
    probes = Probes().attached(spec["levels"])
    run = reuse if spec["after"] == "reuse" else together
    sys.stdout.write(json.dumps(run(spec, binary, probes)))
    probes.close()


main()
