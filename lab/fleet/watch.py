"""Follows the events of a playbook: progress for the caller, a record for each host, the log."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from lab.fleet import sentences
from lab.fleet.progress import HostObserved, HostProgress, HostStage, Listener

VERBS = (
    *("doctor", "start", "status", "pack", "stop", "restore"),
    *("observe", "observed", "unobserve"),
)
CENSORED = "********"
Trouble = Literal["failed", "unreachable", "unsupported"]


@dataclass
class Record:
    """What is known of a host so far."""

    # The agent's last answer to each verb.
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    trouble: Trouble | None = None
    error: str | None = None


def answer(result: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Return the agent's verb and answer when this result of a task is one."""
    words = result.get("cmd")
    if not isinstance(words, list) or "agent" not in words:
        return None
    verb = next((word for word in words[words.index("agent") :] if word in VERBS), None)
    try:
        said = json.loads(result.get("stdout", ""))
    except ValueError:
        return None
    return (verb, said) if verb and isinstance(said, dict) else None


class Watch:
    """Takes the events of one playbook after the other."""

    def __init__(
        self,
        hosts: list[str],
        inventory: Path,
        listener: Listener,
        log: Path | None = None,
        secrets: frozenset[str] = frozenset(),
    ) -> None:
        self.records = {host: Record() for host in hosts}
        self._inventory = inventory
        self._listener = listener
        self._log = log
        # The longest first: one may be part of another.
        self._secrets = sorted(secrets, key=len, reverse=True)

    def take(self, event: dict[str, Any]) -> None:
        """Take one event of ansible-runner."""
        kind: str = event["event"]
        # A look at a working agent is a "failed" attempt to Ansible; it would fill the log.
        if kind != "runner_retry":
            self._write(event.get("stdout", ""))
        data: dict[str, Any] = event.get("event_data", {})
        if kind == "playbook_on_stats":
            self._forgive(data)
        host = data.get("host")
        if host not in self.records:
            return
        match kind:
            case "runner_on_start":
                self._listener(HostStage(host, data.get("task", "")))
            case "runner_on_ok" | "runner_retry":
                self._ok(host, data)
            case "runner_on_failed":
                self._failed(host, data)
            case "runner_on_unreachable":
                self._unreachable(host, data)

    def _ok(self, host: str, data: dict[str, Any]) -> None:
        result = data.get("res", {})
        for one in (result, *result.get("results", [])):
            said = answer(one) if isinstance(one, dict) else None
            if said is None:
                continue
            verb, content = said
            self.records[host].answers[verb] = content
            if verb == "status":
                done, total = content.get("done", 0), content.get("total", 0)
                self._listener(HostProgress(host, done, total, content.get("current")))
            if verb == "observed":
                self._listener(HostObserved(host, content["intervals"]))

    def _failed(self, host: str, data: dict[str, Any]) -> None:
        if data.get("ignore_errors"):
            return
        result = data.get("res", {})
        record = self.records[host]
        record.trouble = "unsupported" if sentences.unsupported(result) else "failed"
        said = sentences.failed(host, self._inventory, data.get("task", ""), result)
        record.error = self._censored(said)

    def _unreachable(self, host: str, data: dict[str, Any]) -> None:
        record = self.records[host]
        record.trouble = "unreachable"
        said = sentences.unreachable(host, self._inventory, data.get("res", {}))
        record.error = self._censored(said)

    def _forgive(self, stats: dict[str, Any]) -> None:
        """Forget failures that a rescue mended: Ansible's last count knows."""
        for host, record in self.records.items():
            if not stats.get("failures", {}).get(host) and not stats.get("dark", {}).get(host):
                record.trouble = record.error = None

    def _censored(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, CENSORED)
        return text

    def title(self, playbook: str) -> None:
        """Begin a section of the log."""
        self._write(f"\n{datetime.now(UTC).isoformat(timespec='seconds')} {playbook}\n")

    def _write(self, text: str) -> None:
        if self._log is None or not text:
            return
        lines = self._censored(text).replace("\r", "").rstrip("\n")
        # A log that cannot be written is no reason to lose a measurement.
        with contextlib.suppress(OSError), self._log.open("a") as log:
            log.write(lines + "\n")
