"""Probe `functions`: calls of kernel functions by a VM's process (bpf/functions.bpf.c).

Both ends of a call are probed: by a trampoline (fentry, fexit) where bcc can, else by a kprobe and
a kretprobe. What cannot be probed says why; a kernel without any of it still gives such rows.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import statistics
import time
from typing import Any

from agent import arch, bpf, symbols, tracepoint
from agent.arch import Function
from agent.errors import UnsupportedError

# virt/kvm/kvm_main.c; before Linux commit 91b99ea70657 ("KVM: Rename kvm_vcpu_block() =>
# kvm_vcpu_halt()", in v5.17) kvm_vcpu_block() was the whole halt.
HALTS = (
    Function(("kvm_vcpu_halt",), "halt", None, "virt/kvm/kvm_main.c: polling and blocking"),
    Function(("kvm_vcpu_block",), "halt", None, "virt/kvm/kvm_main.c: blocking only"),
)
# getppid() calls it on every architecture (kernel/sys.c), and it does next to nothing.
CHEAP = Function(("__task_pid_nr_ns",), "calibration", None, "kernel/pid.c")
ROUNDS, ROUND = 40, 250

FENTRY, KPROBE = "fentry", "kprobe"
# A VM that ran has been through these, so a probe that saw nothing is blind there.
CERTAIN = ("entry", "vcpu load", "KVM_RUN")


def wanted() -> tuple[Function, ...]:
    """Return the functions of this architecture."""
    architecture = arch.of()
    return (*(architecture.FUNCTIONS if architecture else ()), *HALTS)


class Functions:
    """Compiled and attached once; `begin` and `end` bracket a trial.

    Raises UnsupportedError when bcc cannot compile; what cannot be attached to is a result.
    """

    def __init__(self) -> None:
        self._functions = (*wanted(), CHEAP)
        self._known = symbols.functions()
        self._names = [_present(function, self._known) for function in self._functions]
        self._kind, self._bpf, self._attached = self._attach()
        self._fpu = self._attach_tracepoint()
        self._cost: dict[str, float | None] = {"own_cost_ns": None, "slowdown_ns": None}
        if len(self._functions) - 1 in self._attached:
            self._calibrate()

    def begin(self, tgid: int, _tids: list[int], _ceiling: int) -> None:
        """Watch the threads of this process."""
        for name in (b"counts", b"sums", b"histograms", b"calls", b"fpu"):
            self._bpf[name].clear()
        watched = self._bpf[b"watched"]
        watched[watched.Key(tgid)] = watched.Leaf(1)

    def drain(self) -> None:
        """Nothing waits to be read: all of it stays in the kernel until the end."""

    def end(self) -> dict[str, Any]:
        """Stop watching; return `functions` as results/FORMAT.md describes it."""
        self._bpf[b"watched"].clear()
        histograms = self._histograms()
        return {
            "functions": [
                self._row(index, histograms.get(index, []))
                for index in range(len(self._functions) - 1)
            ],
            "fpu_tracepoint": {"load": self._total("fpu", 1), "put": self._total("fpu", 0)}
            if self._fpu
            else None,
            **self._cost,
        }

    def close(self) -> None:
        self._bpf.cleanup()

    def _attach(self) -> tuple[str, Any, set[int]]:
        """Attach by trampolines if all functions take one: one kind has one cost."""
        from bcc import BPF  # noqa: PLC0415

        present = {index for index, name in enumerate(self._names) if name}
        if present and BPF.support_kfunc():
            with contextlib.suppress(UnsupportedError):
                # bcc attaches programs of such names as it loads them.
                program = self._load(present, ["-DFENTRY"])
                # Linux 6.12's kvm_vcpu_halt() took its trampolines without a word and never ran
                # them, though it is a traceable function of kvm's: look what ftrace really did.
                if {self._names[index] for index in present} <= symbols.traced():
                    return FENTRY, program, present
                program.cleanup()
        program = self._load(present, [])
        return KPROBE, program, {index for index in present if self._probe(program, index)}

    def _load(self, present: set[int], flags: list[str]) -> Any:  # noqa: ANN401
        each = " ".join(
            f"X({index}, {self._known[self._names[index]]}__{self._names[index]})"
            for index in sorted(present)
        )
        flags = [*flags, f"-DFUNCTIONS={len(self._functions)}", f"-DEACH(X)={each}"]
        return bpf.load(bpf.PROGRAMS / "functions.bpf.c", flags + _tracepoint_flags())

    def _probe(self, program: Any, index: int) -> bool:  # noqa: ANN401
        name = self._names[index].encode()
        try:
            program.attach_kretprobe(event=name, fn_name=f"leave_{index}".encode())
        except Exception:  # noqa: BLE001  (bcc raises nothing finer)
            return False
        try:
            program.attach_kprobe(event=name, fn_name=f"enter_{index}".encode())
        except Exception:  # noqa: BLE001
            program.detach_kretprobe(event=name)
            return False
        return True

    def _attach_tracepoint(self) -> bool:
        architecture = arch.of()
        if not _tracepoint_flags() or architecture is None or architecture.FPU_TRACEPOINT is None:
            return False
        event = architecture.FPU_TRACEPOINT[0].encode()
        self._bpf.attach_tracepoint(tp=event, fn_name=b"on_fpu")
        return True

    def _calibrate(self) -> None:
        """Measure what a probed call costs, by calls of a function that does next to nothing.

        `own_cost_ns` is the part of it that lies between the two readings of the clock, so that it
        is in every call's time; `slowdown_ns` is all that a call takes longer for being probed.
        """
        index = len(self._functions) - 1
        self.begin(os.getpid(), [], 0)
        probed = _getppid_ns()
        self._bpf[b"watched"].clear()
        self._detach(index)
        self._attached.discard(index)
        buckets = self._histograms().get(index, [])
        self._cost = {
            "own_cost_ns": _median(buckets),
            "slowdown_ns": round(probed - _getppid_ns(), 1),
        }

    def _detach(self, index: int) -> None:
        name = self._names[index].encode()
        if self._kind == FENTRY:
            program = f"{self._known[self._names[index]]}__{self._names[index]}".encode()
            self._bpf.detach_kfunc(program)
            self._bpf.detach_kretfunc(program)
        else:
            self._bpf.detach_kprobe(name)
            self._bpf.detach_kretprobe(name)

    def described(self) -> list[dict[str, Any]]:
        """Say of each function what it is, how it is probed, and why it cannot be if so."""
        return [self._describe(index) for index in range(len(self._functions) - 1)]

    def _describe(self, index: int) -> dict[str, Any]:
        function = self._functions[index]
        name = self._names[index] or function.names[0]
        attached = index in self._attached
        return {
            "function": name,
            "role": function.role,
            "boundary": function.boundary,
            "source": function.source,
            "kind": self._kind if attached else None,
            "not_visible": None if attached else symbols.why_not(name, self._known),
        }

    def _row(self, index: int, buckets: list[tuple[int, int]]) -> dict[str, Any]:
        function, row = self._functions[index], self._describe(index)
        count = self._total("counts", index)
        if row["not_visible"] is None and count == 0 and function.boundary in CERTAIN:
            reason = function.blind or "the VM did not run, or took another way"
            row["not_visible"] = f"because its {self._kind} never fired: {reason}"
        sum_ns = None if row["not_visible"] else self._total("sums", index)
        return {**row, "count": count, "sum_ns": sum_ns, "buckets": buckets}

    def _total(self, table: str, index: int) -> int:
        return int(self._bpf[table.encode()].sum(ctypes.c_int(index)).value)

    def _histograms(self) -> dict[int, list[tuple[int, int]]]:
        found: dict[int, list[tuple[int, int]]] = {}
        table = self._bpf[b"histograms"]
        for key in table.keys():  # noqa: SIM118  (a bcc table)
            found.setdefault(key.function, []).append((key.bucket, int(table.sum(key).value)))
        return {index: sorted(buckets) for index, buckets in found.items()}


def _present(function: Function, known: dict[str, str]) -> str:
    return next((name for name in function.names if name in known), "")


def _tracepoint_flags() -> list[str]:
    architecture = arch.of()
    if architecture is None or architecture.FPU_TRACEPOINT is None:
        return []
    try:
        return tracepoint.flags(*architecture.FPU_TRACEPOINT)
    except UnsupportedError:
        return []


def _getppid_ns() -> float:
    """Return the time of one getppid(): the median of rounds of calls."""
    rounds = []
    for _ in range(ROUNDS):
        began = time.perf_counter_ns()
        for _ in range(ROUND):
            os.getppid()
        rounds.append((time.perf_counter_ns() - began) / ROUND)
    return statistics.median(rounds)


def _median(buckets: list[tuple[int, int]]) -> float | None:
    """Return the middle of the bucket that holds the median."""
    half = sum(count for _, count in buckets) / 2
    for bucket, count in buckets:
        half -= count
        if half <= 0:
            above = max(bucket // 32 - 1, 0)
            return ((bucket - 32 * above) + 0.5) * 2.0**above if above else float(bucket)
    return None
