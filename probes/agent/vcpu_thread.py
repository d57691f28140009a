"""What /proc says of the thread of a vCPU, whoever's process it is in (proc(5))."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from agent import arch
from agent.phases import KVM_RUN

LOOK_S = 0.001
CPU = ("vcpu_ns", "user_ns", "system_ns", "guest_ns")
SWITCHES = ("voluntary", "involuntary")


def counts(pid: int, tid: int) -> dict[str, int]:
    """Return what a thread has had of CPUs, in ns and by kind as coarse as the tick, and switches.

    Of a thread that runs the latest turn is missing (schedstat, stat, status).
    """
    task = Path(f"/proc/{pid}/task/{tid}")
    tick_ns = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    fields = (task / "stat").read_text().rpartition(")")[2].split()
    status = dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines())
    return {
        "vcpu_ns": int((task / "schedstat").read_text().split()[0]),
        "user_ns": int(fields[11]) * tick_ns,
        "system_ns": int(fields[12]) * tick_ns,
        "guest_ns": int(fields[40]) * tick_ns,
        "voluntary": int(status["voluntary_ctxt_switches"]),
        "involuntary": int(status["nonvoluntary_ctxt_switches"]),
    }


def less(now: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    return {name: value - before[name] for name, value in now.items()}


def totals(spent: list[dict[str, int]]) -> dict[str, dict[str, int]]:
    """Return `cpu` and `switches` of a row, summed over what each thread spent."""
    return {
        "cpu": {name: sum(each[name] for each in spent) for name in CPU},
        "switches": {name: sum(each[name] for each in spent) for name in SWITCHES},
    }


def cpus(tid: int) -> list[int]:
    """Return the CPUs a thread may run on."""
    return sorted(os.sched_getaffinity(tid))


def asleep_in_run(pid: int, tid: int, patience_s: float) -> tuple[int, int] | None:
    """Wait until the thread is seen asleep inside KVM_RUN; return the moments around seeing it.

    Both are `CLOCK_MONOTONIC` in ns. None where it is not seen in time: a vCPU that is never idle
    does not sleep, and some kernels have no file `syscall`.
    """
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        before = time.monotonic_ns()
        if _is_asleep_in_run(pid, tid):
            return before, time.monotonic_ns()
        time.sleep(LOOK_S)
    return None


def _is_asleep_in_run(pid: int, tid: int) -> bool:
    """Tell whether the thread's system call has KVM_RUN where ioctl(2) has its request."""
    architecture = arch.of()
    words: list[str] = []
    with contextlib.suppress(OSError):
        # Of one that runs it says `running`.
        words = Path(f"/proc/{pid}/task/{tid}/syscall").read_text().split()
    if architecture is None or len(words) < 3:  # noqa: PLR2004  (number, descriptor, request)
        return False
    return int(words[2], 16) == architecture.IOC_NONE | KVM_RUN
