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
from agent.attach import Attachment
from agent.errors import UnsupportedError
from agent.probe import Watched

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
    """Compiled once; `attach` and `detach` it at will; `begin` and `end` bracket one VM's trial.

    Raises UnsupportedError when bcc cannot compile; what cannot be attached to is a result.
    """

    def __init__(self) -> None:
        self._functions = (*wanted(), CHEAP)
        self._known = symbols.functions()
        self._names = [_present(function, self._known) for function in self._functions]
        self._kind, self._bpf, self._attached = self._attach()
        event = _fpu_event()
        self._fpu = Attachment(self._bpf, [event]) if event else None
        self._cost: dict[str, float | None] = {"own_cost_ns": None, "slowdown_ns": None}
        if len(self._functions) - 1 in self._attached:
            self._calibrate()
        self.detach()

    def attach(self) -> None:
        for index in self._attached:
            self._attach_again(index)
        if self._fpu:
            self._fpu.attach()

    def detach(self) -> None:
        for index in self._attached:
            self._detach(index)
        if self._fpu:
            self._fpu.detach()

    def begin(self, watched: list[Watched]) -> None:
        """Watch the threads of one VM's process: calls of several would not be told apart."""
        (vm,) = watched
        self._watch(vm.tgid)

    def _watch(self, tgid: int) -> None:
        for name in (b"watched", b"counts", b"sums", b"histograms", b"calls", b"fpu"):
            self._bpf[name].clear()
        self._tgid = tgid
        watched = self._bpf[b"watched"]
        watched[watched.Key(tgid)] = watched.Leaf(1)

    def restart(self) -> None:
        """Count from zero, of the same process."""
        self._watch(self._tgid)

    def drain(self) -> None:
        """Nothing waits to be read: all of it stays in the kernel until the end."""

    def end(self) -> dict[int, dict[str, Any]]:
        """Stop watching; return `functions` as results/FORMAT.md describes it."""
        self._bpf[b"watched"].clear()
        return {self._tgid: {"functions": self._result()}}

    def _result(self) -> dict[str, Any]:
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
        event = _fpu_event()
        flags += tracepoint.flags(event) if event else []
        return bpf.load(["functions.bpf.c"], flags)

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

    def _calibrate(self) -> None:
        """Measure what a probed call costs, by calls of a function that does next to nothing.

        `own_cost_ns` is the part of it that lies between the two readings of the clock, so that it
        is in every call's time; `slowdown_ns` is all that a call takes longer for being probed.
        """
        index = len(self._functions) - 1
        self._watch(os.getpid())
        probed = _getppid_ns()
        self._bpf[b"watched"].clear()
        self._detach(index)
        self._attached.discard(index)
        buckets = self._histograms().get(index, [])
        self._cost = {
            "own_cost_ns": _median(buckets),
            "slowdown_ns": round(probed - _getppid_ns(), 1),
        }

    def _attach_again(self, index: int) -> None:
        if self._kind == FENTRY:
            program = self._trampoline(index)
            self._bpf.attach_kfunc(program)
            self._bpf.attach_kretfunc(program)
        else:
            self._probe(self._bpf, index)

    def _trampoline(self, index: int) -> bytes:
        return f"{self._known[self._names[index]]}__{self._names[index]}".encode()

    def _detach(self, index: int) -> None:
        name = self._names[index].encode()
        if self._kind == FENTRY:
            program = self._trampoline(index)
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


def _fpu_event() -> tracepoint.Event | None:
    """Return the architecture's tracepoint of FPU switches, if it and this kernel have one."""
    architecture = arch.of()
    event = architecture.FPU_TRACEPOINT if architecture else None
    return event if event and tracepoint.read_format(event.name) else None


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
