"""The probes of a run: each compiled once, attached while trials ask for it."""

from __future__ import annotations

from typing import Any, Protocol

from agent import probe
from agent.errors import AgentError
from agent.functions import Functions
from agent.probe import Probe, Watched

# What a trial without the key `probes` asks for.
DEFAULT = ["halts"]

LEVELS = (*probe.LEVELS, "functions")


class Part(Protocol):
    """One probe. Its `end` gives each watched VM's keys of the row, by tgid."""

    def attach(self) -> None: ...
    def detach(self) -> None: ...
    def begin(self, watched: list[Watched]) -> None: ...
    def restart(self) -> None: ...
    def drain(self) -> None: ...
    def end(self) -> dict[int, dict[str, Any]]: ...
    def close(self) -> None: ...


class Probes:
    """The parts that the trial at hand wants; with no level wanted, nothing is attached at all."""

    def __init__(self) -> None:
        self._compiled: dict[frozenset[str], list[Part]] = {}
        self._attached: list[Part] = []
        self._watched: list[Watched] = []

    def attached(self, levels: list[str]) -> Probes:
        """Attach what `levels` name and nothing else; AgentError for a level that is none."""
        for level in levels:
            if level not in LEVELS:
                raise AgentError(
                    f"this agent has no probe level {level}: it has {', '.join(LEVELS)}"
                )
        wanted = self._parts(frozenset(levels))
        if wanted is not self._attached:
            for part in self._attached:
                part.detach()
            self._attached = wanted
            for part in wanted:
                part.attach()
        return self

    def _parts(self, levels: frozenset[str]) -> list[Part]:
        if levels not in self._compiled:
            parts: list[Part] = []
            if levels & set(probe.LEVELS):
                parts.append(Probe(levels))
            if "functions" in levels:
                parts.append(Functions())
            self._compiled[levels] = parts
        return self._compiled[levels]

    def begin(self, watched: list[Watched]) -> None:
        self._watched = watched
        for part in self._attached:
            part.begin(watched)

    def restart(self) -> None:
        """Count from zero, of the same VMs; no vCPU of theirs may run."""
        for part in self._attached:
            part.restart()

    def drain(self) -> None:
        for part in self._attached:
            part.drain()

    def end(self) -> dict[int, dict[str, Any]]:
        """Return the row's keys for each VM by tgid; none where nothing was attached."""
        rows: dict[int, dict[str, Any]] = {vm.tgid: {} for vm in self._watched}
        for part in self._attached:
            for tgid, keys in part.end().items():
                rows[tgid].update(keys)
        return rows

    def close(self) -> None:
        for parts in self._compiled.values():
            for part in parts:
                part.close()
