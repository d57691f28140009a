"""What the lab does with hosts: provision, run, examine, restore. One that fails stops no other."""

from __future__ import annotations

import base64
import gzip
import json
import os
import secrets
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lab.errors import FleetError
from lab.fleet import archive, interrupt, inventory
from lab.fleet.ansible import Play, play
from lab.fleet.progress import Event, HostObserved, Listener, ignore
from lab.fleet.watch import Record, Watch
from lab.paths import PLAYBOOKS, PROBES

LOCAL = PLAYBOOKS / "inventory" / "local.yml"
State = Literal["complete", "partial", "failed", "unreachable", "unsupported"]

# A slow (emulated) host installs compilers for a long time without a word.
PROVISION_S = 2 * 3600.0
PROVISION_IDLE_S = 3600.0
# Beside the trials: shipping, compiling the guest and the probes, packing, fetching.
RUN_EXTRA_S = 1800.0
# Longer than it takes to give a lost connection up (agent_reconnects of the role `agent`).
RUN_IDLE_S = 1800.0
# More than the role `boot` waits for a host to come back.
REBOOT_S = 2400.0
SHORT_S = 900.0
NO_LIMIT = 0.0
STOP_S = 120.0


@dataclass(frozen=True)
class Outcome:
    """How it ended on one host, as in results/FORMAT.md; `results` is the fetched file."""

    state: State
    error: str | None = None
    facts: dict[str, Any] | None = None
    results: Path | None = None


@dataclass(frozen=True)
class Restored:
    """Which knobs were set back on one host, as `{"knob", "value"}`; or why none could be."""

    knobs: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM ended it; `outcomes` has what came in before, for every host."""

    def __init__(self, outcomes: dict[str, Outcome]) -> None:
        super().__init__("interrupted")
        self.outcomes = outcomes


@dataclass
class _Fleet:
    """The hosts of one call, and what every playbook of it shares."""

    inventory: Path
    watch: Watch
    variables: dict[str, Any]

    @property
    def able(self) -> list[str]:
        return [host for host, record in self.watch.records.items() if record.trouble is None]

    def play(self, playbook: str, cancel: threading.Event, limit_s: float, idle_s: float) -> None:
        """Play on the hosts that had no trouble so far; FleetError when Ansible does not start."""
        hosts = self.able
        if not hosts or cancel.is_set():
            return
        what = Play(playbook, self.inventory, hosts, limit_s, idle_s, self.variables)
        self.watch.title(playbook)
        finished = False

        def take(event: dict[str, Any]) -> None:
            nonlocal finished
            finished = finished or event["event"] == "playbook_on_stats"
            self.watch.take(event)

        ended = play(what, take, cancel)
        if finished or cancel.is_set():
            return
        if ended.status == "timeout":
            error = (
                f"{playbook} did not end within {limit_s:g} s, or was silent for {idle_s:g} s: see "
                "ansible.log; an agent that runs goes on by itself"
            )
        else:
            lines = [line for line in ended.verbose.splitlines() if line.strip()]
            error = f"Ansible gave {playbook} up: {lines[-1] if lines else 'it says no more'}"
        for host in self.able:
            record = self.watch.records[host]
            record.trouble, record.error = "failed", error


@contextmanager
def _fleet(
    hosts: list[str],
    where: Path,
    listener: Listener,
    probes: Path | None,
    log: Path | None,
    **variables: object,
) -> Iterator[_Fleet]:
    """Gather what playbooks need; `probes` are packed when given."""
    if not hosts:
        raise FleetError("no hosts were given: name some with --hosts")
    secret = inventory.secrets(where, hosts)
    watch = Watch(hosts, where, listener, log, secret)
    # The random part keeps controllers that work on one host at a time apart.
    shared: dict[str, Any] = {"kvmlab_token": secrets.token_hex(4), **variables}
    with tempfile.TemporaryDirectory(prefix="kvmlab-ship-", ignore_cleanup_errors=True) as folder:
        if probes:
            packed = Path(folder) / "probes.tar.gz"
            shared |= {
                "kvmlab_probes": f"probes-{archive.pack(probes, packed)}",
                "kvmlab_archive": str(packed),
                "kvmlab_plans": folder,
            }
        yield _Fleet(where, watch, shared)


def execute(
    plans: dict[str, dict[str, Any]],
    destination: Path,
    where: Path = LOCAL,
    *,
    through: Mapping[str, int] | None = None,
    provision: bool = True,
    on_progress: Listener = ignore,
    probes: Path = PROBES,
) -> dict[str, Outcome]:
    """Run each host's plan.json (`plans`) and fetch `<host>.jsonl.gz` to `destination`.

    With `through`, each host runs only so many trials of its plan, from the first; `complete` then
    means that these have run. All hosts work at the same time. Whatever becomes of one is its
    Outcome; what its agent has done is fetched also when it did not do all. What Ansible prints
    goes to `destination/ansible.log`.

    Raises UsageError for a host that is not in the inventory `where`, FleetError when Ansible does
    not work, and Interrupted after Ctrl-C or SIGTERM: agents are stopped first (knobs restored,
    rows fetched) unless a second signal insists. A killed controller leaves agents at work.
    """
    hosts = list(plans)
    (run,) = {plan["run"] for plan in plans.values()}
    variables: dict[str, object] = {
        "kvmlab_run": run,
        "kvmlab_destination": str(destination.resolve()),
    }
    if through is not None:
        variables["kvmlab_through"] = dict(through)
    log = destination / "ansible.log"
    with (
        _fleet(hosts, where, on_progress, probes, log, **variables) as fleet,
        interrupt.listening() as signals,
    ):
        for host, plan in plans.items():
            path = Path(fleet.variables["kvmlab_plans"]) / f"{host}.json"
            path.write_text(json.dumps(plan, sort_keys=True) + "\n")
        token = fleet.variables["kvmlab_token"]
        try:
            if provision:
                fleet.play("provision.yml", signals.asked, PROVISION_S, PROVISION_IDLE_S)
            fleet.play("run.yml", signals.asked, _limit_s(plans), RUN_IDLE_S)
            if signals.asked.is_set():
                _stop(fleet, signals.insisted)
            outcomes = {
                host: _outcome(record, _accept(destination, host, token), run)
                for host, record in fleet.watch.records.items()
            }
        finally:
            for rest in destination.glob(f".*.{token}.tmp"):
                rest.unlink(missing_ok=True)
        if signals.asked.is_set():
            raise Interrupted(outcomes)
    return outcomes


def _limit_s(plans: dict[str, dict[str, Any]]) -> float:
    """Return the longest that the agents may take by their own clocks, and some more."""
    longest = max(plan["time_budget_s"] + plan["trial_timeout_s"] for plan in plans.values())
    return float(longest) + RUN_EXTRA_S


def _stop(fleet: _Fleet, insisted: threading.Event) -> None:
    """End the agents that were started."""
    started = {host for host, record in fleet.watch.records.items() if "start" in record.answers}
    for host in fleet.able:
        if host not in started:
            record = fleet.watch.records[host]
            record.trouble, record.error = "failed", "interrupted before its agent was started"
    fleet.play("stop.yml", insisted, STOP_S, STOP_S)


def _accept(destination: Path, host: str, token: str) -> Path | None:
    """Give what was fetched its name; what is there already stays if it has more rows.

    Raises FleetError when the disk refuses.
    """
    fetched = destination / f".{host}.jsonl.gz.{token}.tmp"
    final = destination / f"{host}.jsonl.gz"
    if not fetched.exists():
        return final if final.exists() else None
    # A host that was purged between a run and its resume starts again from nothing.
    if final.exists() and _rows(fetched) < _rows(final):
        return final
    try:
        with fetched.open("rb") as file:
            os.fsync(file.fileno())
        fetched.replace(final)
    except OSError as error:
        raise FleetError(f"{final} cannot be written ({error.strerror}): make room") from error
    return final


def _rows(path: Path) -> int:
    try:
        with gzip.open(path) as file:
            return sum(1 for _ in file)
    except (OSError, EOFError):
        return 0


def _outcome(record: Record, results: Path | None, run: str) -> Outcome:
    facts = record.answers.get("pack", {}).get("facts")
    if record.trouble:
        error = record.error
        if record.trouble == "unreachable" and "start" in record.answers:
            error = f"lost while its agent ran, which goes on by itself: {error}"
        return Outcome(record.trouble, error, facts, results)
    # `stop` answers after the last `status`.
    last = {**record.answers.get("status", {}), **record.answers.get("stop", {})}
    said = last.get("state", "absent")
    error = last.get("error")
    done, total = last.get("done", 0), last.get("total", 0)
    if said == "complete" and done >= total:
        return Outcome("complete", None, facts, results)
    if said == "unsupported":
        return Outcome("unsupported", error or "the agent says nothing can run", facts, results)
    if said == "failed" and results is None:
        return Outcome("failed", error or "the agent failed and does not say why", facts, results)
    missing = f"{done} of {total} trials are done: kvmlab run --resume {run}"
    return Outcome("partial", f"{error}; {missing}" if error else missing, facts, results)


def reboot(
    used: Mapping[str, list[str]],
    where: Path,
    *,
    provision: bool = True,
    on_progress: Listener = ignore,
    log: Path | None = None,
) -> dict[str, Outcome]:
    """Reboot each host unless its boot is another than those in `used`; `complete` when it is.

    The machine that runs the lab is never rebooted: its sentence is the outcome. With `provision`
    a host is then given again what a boot takes away. Raises as `provision` does.
    """
    with (
        _fleet(list(used), where, on_progress, None, log, kvmlab_used=dict(used)) as fleet,
        interrupt.listening() as signals,
    ):
        fleet.play("reboot.yml", signals.asked, REBOOT_S, REBOOT_S)
        if provision:
            fleet.play("provision.yml", signals.asked, PROVISION_S, PROVISION_IDLE_S)
        outcomes = _ended(fleet)
        if signals.asked.is_set():
            raise Interrupted(outcomes)
    return outcomes


def _ended(fleet: _Fleet) -> dict[str, Outcome]:
    """Return `complete` for every host without trouble."""
    return {
        host: Outcome(record.trouble or "complete", record.error)
        for host, record in fleet.watch.records.items()
    }


def provision(
    hosts: list[str],
    where: Path = LOCAL,
    *,
    on_progress: Listener = ignore,
    playbook: Literal["provision.yml", "develop.yml"] = "provision.yml",
    log: Path | None = None,
) -> dict[str, Outcome]:
    """Give each host what the agent needs; `complete` when it has all.

    Raises UsageError and FleetError as `execute` does, and Interrupted.
    """
    with (
        _fleet(hosts, where, on_progress, None, log) as fleet,
        interrupt.listening() as signals,
    ):
        fleet.play(playbook, signals.asked, PROVISION_S, PROVISION_IDLE_S)
        outcomes = _ended(fleet)
        if signals.asked.is_set():
            raise Interrupted(outcomes)
    return outcomes


def doctor(
    hosts: list[str],
    where: Path = LOCAL,
    *,
    on_progress: Listener = ignore,
    probes: Path = PROBES,
) -> dict[str, dict[str, Any]]:
    """Return the answer of each host's `agent doctor`.

    Of a host that could not be asked it is one check, `reached`, with the sentence, and no facts.
    Raises UsageError and FleetError as `execute` does, and KeyboardInterrupt.
    """
    with _fleet(hosts, where, on_progress, probes, None) as fleet, interrupt.listening() as signals:
        fleet.play("doctor.yml", signals.asked, SHORT_S, SHORT_S)
        if signals.asked.is_set():
            raise KeyboardInterrupt
    return {
        host: record.answers.get("doctor") or _unasked(record)
        for host, record in fleet.watch.records.items()
    }


def _unasked(record: Record) -> dict[str, Any]:
    what, _, mend = (record.error or "the agent did not answer").rpartition(": ")
    check = {"check": "reached", "status": "missing", "detail": what or mend, "remedy": mend}
    return {"checks": [check], "facts": None}


@dataclass(frozen=True)
class Looked:
    """How observing ended on one host; `error` is one sentence when it was not as asked."""

    state: State
    error: str | None = None


def observe(
    hosts: list[str],
    where: Path = LOCAL,
    *,
    options: list[str],
    on_progress: Listener,
    probes: Path = PROBES,
) -> dict[str, Looked]:
    """Watch the VMs of each host until all hosts have ended; leave nothing on any of them.

    `options` are those of the agent's verb `observe`. What was seen comes as HostObserved, each
    interval once and in order. Raises UsageError and FleetError as `execute` does,
    KeyboardInterrupt, and whatever `on_progress` raises; also then the observers are ended. Those
    of a killed controller leave by themselves when nobody asks them for half a minute.
    """
    last = dict.fromkeys(hosts, -1)

    def once(event: Event) -> None:
        """Drop what an answer brought again: the one before might have been lost."""
        if isinstance(event, HostObserved):
            fresh = [one for one in event.intervals if one["interval"] > last[event.host]]
            if not fresh:
                return
            last[event.host] = fresh[-1]["interval"]
            event = HostObserved(event.host, fresh)
        on_progress(event)

    with _fleet(hosts, where, once, probes, None) as fleet, interrupt.listening() as signals:
        archived = Path(fleet.variables["kvmlab_archive"])
        # As text, which goes through the standard input of a command and through no file there.
        text = archived.with_suffix(".b64")
        text.write_bytes(base64.encodebytes(archived.read_bytes()))
        fleet.variables |= {"kvmlab_archive": str(text), "kvmlab_observe": options}
        ended = False
        try:
            fleet.play("observe.yml", signals.asked, NO_LIMIT, RUN_IDLE_S)
            ended = not signals.asked.is_set()
        finally:
            if not ended:
                _end_observers(fleet, signals.insisted)
        if signals.asked.is_set():
            raise KeyboardInterrupt
    return {host: _looked(record) for host, record in fleet.watch.records.items()}


def _end_observers(fleet: _Fleet, insisted: threading.Event) -> None:
    answers = {host: record.answers for host, record in fleet.watch.records.items()}
    fleet.variables["kvmlab_observers"] = {
        host: said["observe"]["pid"] for host, said in answers.items() if "observe" in said
    }
    if fleet.variables["kvmlab_observers"]:
        fleet.play("unobserve.yml", insisted, STOP_S, STOP_S)


def _looked(record: Record) -> Looked:
    if record.trouble:
        return Looked(record.trouble, record.error)
    said = record.answers.get("observed", {})
    state = said.get("state")
    if state in {"complete", "unsupported"}:
        return Looked(state, said.get("error"))
    return Looked("failed", said.get("error") or "the observer on the host has gone")


def restore(
    hosts: list[str],
    where: Path = LOCAL,
    *,
    purge: bool = False,
    on_progress: Listener = ignore,
    probes: Path = PROBES,
) -> dict[str, Restored]:
    """Stop each host's agent and set its knobs back; with `purge` remove /var/lib/kvmlab as well.

    Raises UsageError and FleetError as `execute` does, and KeyboardInterrupt.
    """
    with (
        _fleet(hosts, where, on_progress, probes, None, purge=purge) as fleet,
        interrupt.listening() as signals,
    ):
        fleet.play("restore.yml", signals.asked, SHORT_S, SHORT_S)
        if signals.asked.is_set():
            raise KeyboardInterrupt
    return {
        host: Restored(record.answers.get("restore", {}).get("restored", []), record.error)
        for host, record in fleet.watch.records.items()
    }
