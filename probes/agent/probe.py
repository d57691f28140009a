"""The probe of halts and phases (bpf/phases.bpf.c)."""

from __future__ import annotations

import contextlib
import ctypes
import platform
import time
from collections import defaultdict
from collections.abc import Container, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent import arch, bpf, haltpoll, phases, tracepoint
from agent.attach import Attachment
from agent.errors import UnsupportedError
from agent.phases import Sample

LEVELS = ("halts", "phases")

# Room for the vCPU threads of a host, and for their distributions: what does not fit is counted.
THREADS = 4096
SAMPLES = 1 << 16

# Order of `enum phase` and `enum counted` in bpf/thread.h.
KINDS = (
    *phases.PHASES,
    *haltpoll.OUTCOMES,
    "userspace_exit",
    "unknown",
)


@dataclass(frozen=True)
class Watched:
    """A VM to watch: its process, the ceiling of its polling window in ns, its vCPUs by tid.

    Threads that are not in `vcpus` are named by the vCPU they run: by the descriptor that KVM_RUN
    was called on.
    """

    tgid: int
    ceiling: int
    vcpus: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Snapshot:
    """All that was counted since `begin`, as of `now` (CLOCK_MONOTONIC, ns).

    `threads` has bcc's `struct thread` by serial number, `samples` the samples by serial number,
    kind and (code, how, detail).
    """

    now: int
    threads: dict[int, Any]
    samples: dict[int, dict[str, dict[tuple[int, int, int], Sample]]]


class Probe:
    """Compiled once; `attach` and `detach` it at will; `begin` and `end` bracket a measurement.

    Raises UnsupportedError when the kernel lacks an essential tracepoint or a field of it, or bcc
    cannot load.
    """

    def __init__(self, levels: AbstractSet[str], *, observing: bool = False) -> None:
        """`observing` is for VMs that ran before: no stream, and polling windows unknown at first.

        Its counts are for `snapshot`, `watch` and `forget`, and not for `read` and `end`.
        """
        architecture = arch.of()
        if architecture is None:
            raise UnsupportedError(f"{platform.machine()} has no module in agent/arch yet")
        self._phases = "phases" in levels
        self._architecture = architecture
        self._names = phases.Names(architecture)
        wanted = (phases.THREAD_EXIT, *haltpoll.EVENTS, *architecture.HALT_EVENTS)
        if self._phases:
            wanted += phases.events(architecture)
        self._blind: dict[str, str] = {}
        events, flags = self._look(wanted)
        if self._phases:
            flags += phases.flags(architecture, self._names)
        flags += [f"-DTHREADS={THREADS}", f"-DSAMPLES={SAMPLES}"]
        flags += ["-DOBSERVING"] if observing else [f"-DSTREAM_PAGES={haltpoll.STREAM_PAGES}"]
        self._bpf = bpf.load(["phases.bpf.c", f"arch/{platform.machine()}.h"], flags)
        self._attachment = Attachment(self._bpf, events)
        if not observing:
            self._stream = haltpoll.Stream(self._bpf)
        self._watched: list[Watched] = []

    def _look(
        self, wanted: tuple[tracepoint.Event, ...]
    ) -> tuple[list[tracepoint.Event], list[str]]:
        """Return the events this kernel has, and the flags for all; note what is not visible."""
        events, flags = [], []
        for event in wanted:
            if event.blind is not None and tracepoint.read_format(event.name) is None:
                self._blind.update(event.blind)
                flags += tracepoint.no_flags(event)
            else:
                flags += tracepoint.flags(event)
                events.append(event)
        return events, flags

    def attach(self) -> None:
        self._attachment.attach()

    def detach(self) -> None:
        self._attachment.detach()

    def begin(self, watched: list[Watched]) -> None:
        """Watch these VMs from now on, with all counts at zero.

        The window of a vCPU not seen before is taken for 0, which it is in a fresh VM.
        """
        self._stop()
        for name in (b"threads", b"windows", b"gone", b"samples", b"dropped", b"lost"):
            self._bpf[name].clear()
        self._stream.clear()
        self._watched = watched
        for vm in watched:
            self.watch(vm.tgid, vm.ceiling)

    def restart(self) -> None:
        """Count from zero, of the same VMs, none of whose vCPUs may run: their windows go on."""
        seen = self.snapshot().threads.values()
        self.begin(self._watched)
        for leaf in seen:
            self._bpf[b"windows"][ctypes.c_uint32(leaf.tid)] = ctypes.c_uint32(leaf.next)

    def watch(self, tgid: int, ceiling: int) -> None:
        """Watch one VM more, or give one another ceiling."""
        self._bpf[b"watched"][ctypes.c_uint32(tgid)] = ctypes.c_uint32(ceiling)

    def forget(self, tgid: int, serials: AbstractSet[int]) -> None:
        """Watch this VM no longer and drop what was counted of its threads, `serials`."""
        with contextlib.suppress(KeyError):
            del self._bpf[b"watched"][ctypes.c_uint32(tgid)]
        gone = [key for key, leaf in _entries(self._bpf[b"gone"]) if leaf.tgid == tgid]
        samples = [key for key, _ in _entries(self._bpf[b"samples"]) if key.serial in serials]
        for table, keys in ((b"gone", gone), (b"samples", samples)):
            for key in keys:
                del self._bpf[table][key]

    def drain(self) -> None:
        """Take what is in the ring buffer; call it now and then during a long trial."""
        self._stream.drain()

    def read(self) -> dict[int, dict[str, Any]]:
        """Return the counts since `begin` of each VM by tgid, as results/FORMAT.md describes them.

        A running vCPU's counts may differ from each other by the event that happens meanwhile.
        """
        self.drain()
        seen = self.snapshot()
        return {
            vm.tgid: self._result(
                vm,
                [leaf for leaf in seen.threads.values() if leaf.tgid == vm.tgid],
                seen.samples,
                seen.now,
            )
            for vm in self._watched
        }

    def snapshot(self) -> Snapshot:
        now = time.monotonic_ns()
        threads: dict[int, Any] = {}
        # In this order: a thread that dies meanwhile goes from the first to the second.
        for table in (b"threads", b"gone"):
            threads.update({leaf.serial: leaf for _, leaf in _entries(self._bpf[table])})
        return Snapshot(now, threads, self._samples())

    def end(self) -> dict[int, dict[str, Any]]:
        """Stop watching and return what `read` does."""
        results = self.read()
        self._stop()
        return results

    def close(self) -> None:
        self._bpf.cleanup()

    def _stop(self) -> None:
        self._bpf[b"watched"].clear()

    def _samples(self) -> dict[int, dict[str, dict[tuple[int, int, int], Sample]]]:
        """Return the samples by serial number, kind and (code, how, detail)."""
        found: dict[int, dict[str, dict[tuple[int, int, int], Sample]]] = defaultdict(
            lambda: defaultdict(lambda: defaultdict(Sample))
        )
        for key, leaf in _entries(self._bpf[b"samples"]):
            sample = found[key.serial][KINDS[key.kind]][(key.code, key.how, key.detail)]
            sample.buckets[key.bucket] = (leaf.count, leaf.ns)
        return found

    def _lost(self, table: bytes) -> int:
        return int(self._bpf[table].sum(ctypes.c_int(0)).value)

    def _result(
        self, vm: Watched, threads: list[Any], samples: dict[int, Any], now: int
    ) -> dict[str, Any]:
        # A tid that came round again has two accounts, in the order of their beginnings.
        threads = sorted(threads, key=lambda thread: thread.began)
        vcpus = {thread.serial: _vcpu(vm, thread) for thread in threads}
        result = {"haltpoll": self._halts(threads, vcpus, samples)}
        if self._phases:
            accounts = [
                {"vcpu": vcpus[thread.serial], **phases.account(thread, now)} for thread in threads
            ]
            result["phases"] = self._phases_section(accounts, vcpus, samples)
        return result

    def _halts(
        self, threads: list[Any], vcpus: dict[int, int | None], samples: dict[int, Any]
    ) -> dict[str, Any]:
        counted = {}
        for name in haltpoll.OUTCOMES:
            merged = Sample()
            for serial in vcpus:
                merged.add(samples[serial][name][(0, 0, 0)])
            counted[name] = merged.buckets
        return {
            **haltpoll.section(counted),
            "invalid": sum(thread.invalid for thread in threads),
            "window_changes": sum(thread.window_changes for thread in threads),
            "lost": self._lost(b"lost"),
            **self._stream.columns(vcpus),
            "attach": self._attachment.kinds,
        }

    def _phases_section(
        self, accounts: list[dict[str, Any]], vcpus: dict[int, int | None], samples: dict[int, Any]
    ) -> dict[str, Any]:
        hidden = phases.hide_unseen(accounts, self.entry)
        rows: dict[str, list[dict[str, Any]]] = {
            "exits": [],
            "userspace_exits": [],
            "histograms": [],
        }
        for serial, vcpu in vcpus.items():
            for name, own in self.distributions(samples[serial], hidden).items():
                rows[name] += [{"vcpu": vcpu, **row} for row in own]
        return {
            "vcpus": accounts,
            **rows,
            "not_visible": {**self.not_visible, **hidden},
            "dropped": self.dropped,
            "attach": self.kinds,
        }

    @property
    def not_visible(self) -> dict[str, str]:
        """Phases and exit classes that this host does not show, and why."""
        return {**self._blind, **self._architecture.NOT_VISIBLE}

    @property
    def dropped(self) -> int:
        """How many threads and samples found no room since `begin`."""
        return self._lost(b"dropped")

    @property
    def kinds(self) -> dict[str, str]:
        """How each event is attached."""
        return self._attachment.kinds

    @property
    def entry(self) -> str:
        """The event of guest entry here."""
        return self._architecture.EVENTS[0].name

    def distributions(
        self, kinds: Mapping[str, Mapping[tuple[int, int, int], Sample]], hidden: Container[str]
    ) -> dict[str, list[dict[str, Any]]]:
        """Return one vCPU's exits, exits to userspace and histograms from its samples by kind."""
        exits, classes = phases.exit_rows(kinds.get("handling", {}), self._names)
        ends = []
        for (code, _, _), sample in sorted(kinds.get("userspace_exit", {}).items()):
            reason = ctypes.c_int64(code).value
            name = self._names.userspace(reason)
            ends.append({"reason": reason, "name": name, "count": sample.count})
        seen: list[tuple[str, str | None, Sample]] = [
            (phase, None, kinds.get(phase, {}).get((0, 0, 0), Sample()))
            for phase in phases.SHOWN
            if phase not in hidden and phase != "handling"
        ]
        seen += [("handling", name, sample) for name, sample in sorted(classes.items())]
        histograms = [phases.histogram(*one) for one in seen if one[2].buckets]
        return {"exits": exits, "userspace_exits": ends, "histograms": histograms}


def _entries(table: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401  (bcc)
    """Return keys and values of a table that changes meanwhile."""
    for key in table.keys():  # noqa: SIM118  (a bcc table)
        with contextlib.suppress(KeyError):
            yield key, table[key]


def _vcpu(vm: Watched, thread: Any) -> int | None:  # noqa: ANN401  (a bcc structure)
    """Return the id of the vCPU that `thread` runs, or None when nothing tells it."""
    return vm.vcpus.get(thread.tid, vcpu_of(vm.tgid, thread.fd))


def vcpu_of(tgid: int, fd: int) -> int | None:
    """Return the id of the vCPU whose descriptor `fd` of process `tgid` is, or None."""
    try:
        link = str(Path(f"/proc/{tgid}/fd/{fd}").readlink())
    except OSError:
        return None
    # virt/kvm/kvm_main.c, create_vcpu_fd(): the file's name ends with the id.
    kind, _, number = link.rpartition(":")
    return int(number) if kind == "anon_inode:kvm-vcpu" else None
