"""What happened to running VMs in one interval: the difference of two snapshots of the probe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from agent import haltpoll, phases, vms
from agent.phases import Sample
from agent.probe import Probe, Snapshot, vcpu_of
from agent.vms import Vm

HALTS = (*haltpoll.OUTCOMES, "unknown")
COUNTERS = ("wall_ns", "unattributed_ns", "runs", "entries", "exits", "migrations")
OF_HALTS = ("invalid", "window_changes")

Samples = dict[str, dict[tuple[int, int, int], Sample]]


def _nothing() -> dict[str, Any]:
    counters = dict.fromkeys((*COUNTERS, *OF_HALTS), 0)
    return {"phases": dict.fromkeys(phases.SHOWN, 0), **counters}


@dataclass
class _Past:
    """A vCPU thread up to the last interval. Its name outlives it."""

    thread: str | None
    vcpu: int | None
    account: dict[str, Any] = field(default_factory=_nothing)
    samples: Samples = field(default_factory=dict)

    @property
    def order(self) -> tuple[bool, int]:
        return self.vcpu is None, self.vcpu or 0


@dataclass
class _Watch:
    """A VM under observation; its vCPU threads by the probe's serial number."""

    vm: Vm
    statistics: dict[str, int] | None
    threads: dict[int, _Past] = field(default_factory=dict)


class Observation:
    """The VMs under observation; `interval` is called at the end of each interval."""

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        self._watches: dict[int, _Watch] = {}
        self._ceiling = vms.ceiling()
        self._entered = False

    @property
    def pids(self) -> set[int]:
        return set(self._watches)

    def add(self, vm: Vm) -> None:
        self.probe.watch(vm.pid, self._ceiling)
        self._watches[vm.pid] = _Watch(vm, vm.statistics())

    def interval(self) -> list[dict[str, Any]]:
        """Return what each VM did since the last call; forget those that have ended."""
        self._follow_ceiling()
        # Before the snapshot: what a thread did until its death is in it.
        ended = [pid for pid, watch in self._watches.items() if not watch.vm.alive]
        seen = self.probe.snapshot()
        hidden = self._hidden(seen)
        found = [
            self._vm(watch, seen, hidden, ended=pid in ended)
            for pid, watch in self._watches.items()
        ]
        for pid in ended:
            self.probe.forget(pid, self._watches.pop(pid).threads.keys())
        return found

    def _follow_ceiling(self) -> None:
        ceiling = vms.ceiling()
        if ceiling != self._ceiling:
            self._ceiling = ceiling
            for pid in self._watches:
                self.probe.watch(pid, ceiling)

    def _hidden(self, seen: Snapshot) -> dict[str, str]:
        """Return the phases that this host's KVM does not tell apart, and why."""
        self._entered = self._entered or any(leaf.entries for leaf in seen.threads.values())
        if self._entered or not seen.threads:
            return {}
        why = (
            f"{self.probe.entry} has been silent since the observer came: without it the time "
            "inside KVM_RUN cannot be split"
        )
        return dict.fromkeys(phases.UNSPLIT, why)

    def _vm(
        self, watch: _Watch, seen: Snapshot, hidden: dict[str, str], *, ended: bool
    ) -> dict[str, Any]:
        leaves = [leaf for leaf in seen.threads.values() if leaf.tgid == watch.vm.pid]
        for leaf in leaves:
            _meet(watch, leaf)
        vcpus = watch.vm.vcpus()
        _name_the_last(list(watch.threads.values()), vcpus)
        rows = [
            self._vcpu(watch.threads[leaf.serial], leaf, seen, hidden)
            for leaf in sorted(
                leaves, key=lambda leaf: (watch.threads[leaf.serial].order, leaf.tid)
            )
        ]
        return {
            "pid": watch.vm.pid,
            "name": watch.vm.name,
            "state": "ended" if ended else "running",
            "ceiling_ns": self._ceiling,
            "vcpus": rows,
            # A vCPU without any event since the observer came: asleep or in its guest all the time.
            "silent": max(0, len(vcpus) - len(rows)),
            "not_visible": {**self.probe.not_visible, **hidden},
            "statistics": self._statistics(watch),
        }

    def _vcpu(
        self,
        past: _Past,
        leaf: Any,  # noqa: ANN401  (a bcc structure)
        seen: Snapshot,
        hidden: dict[str, str],
    ) -> dict[str, Any]:
        account, samples = phases.account(leaf, seen.now), seen.samples[leaf.serial]
        account.update({name: getattr(leaf, name) for name in OF_HALTS})
        change = {
            "phases": _less(account["phases"], past.account["phases"]),
            **{name: account[name] - past.account[name] for name in COUNTERS},
        }
        phases.hide([change], hidden)
        fresh = _samples_less(samples, past.samples)
        halts = {name: account[name] - past.account[name] for name in OF_HALTS}
        past.account, past.samples = account, samples
        return {
            "vcpu": past.vcpu,
            "thread": past.thread,
            "tid": leaf.tid,
            "account": change,
            **self.probe.distributions(fresh, hidden),
            "halts": {**_halts(fresh), **halts},
        }

    @staticmethod
    def _statistics(watch: _Watch) -> dict[str, int] | None:
        now, before = watch.vm.statistics(), watch.statistics
        watch.statistics = now
        if now is None or before is None:
            return None
        return _less(now, before)


def _meet(watch: _Watch, leaf: Any) -> None:  # noqa: ANN401  (a bcc structure)
    """Get to know a thread, and which vCPU it runs as soon as anything tells."""
    past = watch.threads.get(leaf.serial)
    if past is None:
        thread = vms.thread_name(leaf.tgid, leaf.tid)
        past = watch.threads[leaf.serial] = _Past(thread, vms.vcpu_by_name(thread))
    if past.vcpu is None:
        past.vcpu = vcpu_of(leaf.tgid, leaf.fd)


def _name_the_last(threads: list[_Past], vcpus: list[int]) -> None:
    """Name the only thread without a name after the only vCPU without a thread."""
    nameless = [past for past in threads if past.vcpu is None]
    left = [vcpu for vcpu in vcpus if vcpu not in {past.vcpu for past in threads}]
    if len(nameless) == len(left) == 1:
        nameless[0].vcpu = left[0]


def _less(now: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    return {name: value - before.get(name, 0) for name, value in now.items()}


def _samples_less(now: Samples, before: Samples) -> Samples:
    """Return what was counted between two snapshots of one thread."""
    found: Samples = {}
    for kind, keys in now.items():
        for key, sample in keys.items():
            fresh = sample.less(before.get(kind, {}).get(key, Sample()))
            if fresh.buckets:
                found.setdefault(kind, {})[key] = fresh
    return found


def _halts(samples: Samples) -> dict[str, Any]:
    counted = {name: samples.get(name, {}).get((0, 0, 0), Sample()) for name in HALTS}
    halts = haltpoll.section({name: sample.buckets for name, sample in counted.items()})
    unknown = counted["unknown"]
    halts["halts"] += unknown.count
    halts["outcomes"] = {**halts["outcomes"], "unknown": unknown.count}
    halts["sums_ns"]["unknown"] = unknown.ns
    return halts
