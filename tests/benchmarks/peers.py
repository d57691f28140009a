"""Run VMs under the lab's probe and under other tools, each told of this VM alone.

    python3 peers.py PROBES HOME < SPEC

under the Python of the host under test. SPEC is JSON: {"runs": [{"arms": [name, …], "options": [VMM
options]}, …]}. Each run is a fresh VM with all of its arms attached before the guest's first
instruction and until after its last. Prints a line of JSON for each run: {"guest": <guest result>,
"counts": {arm: {exit: n} | null}, "exits": {code: name}} where `exits` are the names by code of
the probe's own; or {"refused": sentence} when an arm does not work here. The first line is
{"clock_class", "kernel", "machine", "flavour", "versions": {arm: version | null}}.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import IO, Any

sys.path.insert(0, sys.argv[1])

from agent import arch, bpf, clock, guest
from agent.errors import AgentError
from agent.probe import Watched
from agent.probes import Probes

TIMEOUT_S = 300
# bcc compiles in the tool, on a host that may be emulated.
READY_S = 120
ATTACHED_S = 2
EMPTY = "int nothing(void *ctx) { return 0; }"
# What bpftrace's own documentation would have one write: exits and their time, by reason.
ONE_LINER = """
tracepoint:kvm:kvm_exit /pid == %d/
{ @code[tid] = args.exit_reason; @since[tid] = nsecs; @count[args.exit_reason] = count(); }
tracepoint:kvm:kvm_entry /@since[tid]/
{ @ns[@code[tid]] = hist(nsecs - @since[tid]); delete(@since[tid]); }
"""
Counts = dict[str, int]


class RefusedError(Exception):
    """A tool does not work here; its own words."""


def _spread() -> list[str]:
    """Leave the last CPU to the vCPU and move this process and its tools to the others."""
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) == 1:
        return []
    os.sched_setaffinity(0, cpus[:-1])
    return ["--cpu", str(cpus[-1])]


class Bench:
    """All arms by name; each is a context around the run and fills in what it counted."""

    def __init__(self, home: Path) -> None:
        self.binary = guest.build(home)
        bpf.prepare(home)
        self.cpu = _spread()
        self._probes = Probes()
        self._floor: Any = None
        self._exits: dict[str, str] = {}
        self._refused: dict[str, str] = {}

    def run(self, arms: list[str], options: list[str]) -> dict[str, Any]:
        counts: dict[str, Counts | None] = {}
        for name in arms:
            # A tool that refused once is not asked again.
            if name in self._refused:
                return {"refused": self._refused[name]}
        with closing(guest.Vm(self.binary, [*options, *self.cpu], TIMEOUT_S)) as vm:
            try:
                with ExitStack() as attached:
                    for name in arms:
                        attached.enter_context(self._arm(name, vm, counts))
                    result = vm.run(lambda: None)
            except RefusedError as error:
                return {"refused": str(error)}
        return {"guest": result, "counts": counts, "exits": self._exits}

    def _arm(self, name: str, vm: guest.Vm, counts: dict[str, Counts | None]) -> Any:
        arms: dict[str, Callable[..., Iterator[Counts | None]]] = {
            "floor": self._empty,
            "phases": self._phases,
            "perf": _perf,
            "bpftrace": _bpftrace,
            "kvmexit": _kvmexit,
        }

        @contextmanager
        def around() -> Iterator[None]:
            attached = arms[name](vm)
            try:
                next(attached)
                yield
                counts[name] = next(attached)
            except RefusedError as error:
                self._refused[name] = str(error)
                raise

        return around()

    def _empty(self, _vm: guest.Vm) -> Iterator[None]:
        """Attach a program without an instruction to entry and exit: no tool can cost less."""
        from bcc import BPF  # noqa: PLC0415  (its Python may lack it, and bpf.prepare says so)

        self._floor = self._floor or BPF(text=EMPTY.encode())
        for event in (b"kvm_entry", b"kvm_exit"):
            self._floor.attach_raw_tracepoint(tp=event, fn_name=b"nothing")
        yield None
        for event in (b"kvm_entry", b"kvm_exit"):
            self._floor.detach_raw_tracepoint(tp=event)
        yield None

    def _phases(self, vm: guest.Vm) -> Iterator[Counts | None]:
        probes = self._probes.attached(["phases"])
        vcpus = {vcpu["tid"]: vcpu["id"] for vcpu in vm.ready["vcpus"]}
        probes.begin([Watched(vm.ready["pid"], 0, vcpus)])
        yield None
        rows = probes.end()[vm.ready["pid"]]["phases"]["exits"]
        probes.attached([])
        counts: Counts = {}
        for row in rows:
            # What refined an exit stands behind its name.
            native = row["native"].partition(": ")[0]
            counts[native] = counts.get(native, 0) + row["count"]
            self._exits[str(row["code"] & 0xFFFFFFFF)] = native
        yield counts


def _perf(vm: guest.Vm) -> Iterator[Counts | None]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as ends:
        control, acknowledged = (Path(folder, name) for name in ("control", "acknowledged"))
        os.mkfifo(control)
        os.mkfifo(acknowledged)
        data = f"{folder}/perf.data"
        words = ["perf", "kvm", "stat", "record", "-o", data, "-p", str(vm.ready["pid"])]
        words += [f"--control=fifo:{control},{acknowledged}", "--delay=-1"]
        process = ends.enter_context(_tool(words))
        # Both at once, or each end would wait for the other.
        asks, answers = (
            ends.enter_context(os.fdopen(os.open(path, os.O_RDWR), "r+b", buffering=0))
            for path in (control, acknowledged)
        )
        asks.write(b"enable\n")
        _wait(process, answers, "ack")
        yield None
        _end(process)
        words = ["perf", "kvm", "-i", data, "stat", "report"]
        said = subprocess.run(words, capture_output=True, text=True, check=False)
        rows = re.findall(r"^\s*(\S.*?)\s+(\d+)\s+[\d.]+%", said.stdout + said.stderr, re.MULTILINE)
        if not rows:
            raise RefusedError(f"perf: {_wrong(said.stderr or said.stdout)}")
        yield {name: int(count) for name, count in rows}


def _bpftrace(vm: guest.Vm) -> Iterator[Counts | None]:
    with _tool(["bpftrace", "-f", "json", "-e", ONE_LINER % vm.ready["pid"]]) as process:
        assert process.stdout
        _wait(process, process.stdout, '"attached_probes"')
        # It says so before it does so.
        time.sleep(ATTACHED_S)
        yield None
        lines = map(json.loads, filter(str.strip, _end(process).splitlines()))
        maps = {
            name: value
            for line in lines
            if line["type"] == "map"
            for name, value in line["data"].items()
        }
        yield dict(maps.get("@count", {}))


def _kvmexit(vm: guest.Vm) -> Iterator[Counts | None]:
    words = ["/usr/sbin/kvmexit-bpfcc", "-p", str(vm.ready["pid"])]
    with _tool(words, PYTHONUNBUFFERED="1") as process:
        assert process.stdout
        _wait(process, process.stdout, "Ctrl-C")
        yield None
        rows = re.findall(r"^(\S+) +(\d+) *$", _end(process), re.MULTILINE)
        yield {name: int(count) for name, count in rows}


@contextmanager
def _tool(words: list[str], **more: str) -> Iterator[subprocess.Popen[bytes]]:
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **more},
        )
    except FileNotFoundError as error:
        raise RefusedError(f"{words[0]} is not installed") from error
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _wait(process: subprocess.Popen[bytes], stream: IO[bytes], word: str) -> None:
    """Wait until `word` comes on `stream`; RefusedError with the last words if the tool ends."""
    os.set_blocking(stream.fileno(), False)
    seen, deadline = b"", time.monotonic() + READY_S
    while word.encode() not in seen:
        ended = process.poll() is not None
        with contextlib.suppress(BlockingIOError):
            seen += os.read(stream.fileno(), 1 << 16)
        if ended or time.monotonic() > deadline:
            assert process.stdout
            with contextlib.suppress(BlockingIOError):
                seen += os.read(process.stdout.fileno(), 1 << 16)
            raise RefusedError(_wrong(seen.decode(errors="replace")))
        time.sleep(0.05)
    os.set_blocking(stream.fileno(), True)


def _wrong(said: str) -> str:
    """Return the line that says what is wrong: first of all; of a Python tool's traceback, last."""
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["no word"]
    return lines[-1 if lines[0].startswith("Traceback") else 0]


def _end(process: subprocess.Popen[bytes]) -> str:
    """Interrupt a tool as a person would, and return the rest of what it says."""
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=READY_S)[0].decode(errors="replace")


def about(bench: Bench) -> dict[str, Any]:
    def said(*words: str) -> str | None:
        with contextlib.suppress(OSError):
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            return done.stdout.strip() or None
        return None

    architecture = arch.of()
    assert architecture  # its guest was built
    turns = guest.describe(bench.binary)["turn_ns"]
    return {
        "kernel": platform.release(),
        "machine": platform.machine(),
        "flavour": architecture.flavour(),
        "clock_class": clock.classify(architecture, turns)[0],
        "versions": {
            "phases": f"bcc {bpf.version()}",
            "perf": said("perf", "--version"),
            "bpftrace": said("bpftrace", "--version"),
            "kvmexit": said("dpkg-query", "-W", "-f", "bpfcc-tools ${Version}", "bpfcc-tools"),
        },
    }


def main() -> None:
    spec = json.load(sys.stdin)
    bench = Bench(Path(sys.argv[2]).resolve())
    print(json.dumps(about(bench)), flush=True)  # noqa: T201
    for each in spec["runs"]:
        print(json.dumps(bench.run(each["arms"], each["options"])), flush=True)  # noqa: T201


try:
    main()
except AgentError as error:
    sys.exit(str(error))
