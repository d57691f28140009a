"""What must be undone on this host, on disk before it is done.

The journal holds the value found of every setting written since: host knobs and tuning. Whoever
comes to undo, the agent itself, the guard, the next agent or `restore`, reads it, writes the values
back, the last written first, and removes it. None of them survives a boot: a journal from another
boot has nothing to undo.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.errors import AgentError
from agent.files import read_json, sync_folder, write_json
from agent.process import boot_id
from agent.settings import KINDS, Text, Value


class Journal:
    def __init__(self, home: Path) -> None:
        self.path = home / "journal.json"

    def _found(self) -> dict[str, dict[str, Any]]:
        if not self.path.exists():
            return {}
        journal = read_json(self.path)
        found: dict[str, dict[str, Any]] = (
            journal["found"] if journal["boot_id"] == boot_id() else {}
        )
        return found

    def record(self, settings: Sequence[Text]) -> None:
        """Put the present values on disk, of those that are not there yet."""
        found = self._found()
        new = {
            setting.name: {
                "kind": setting.kind,
                "path": str(setting.path),
                "value": setting.show(),
            }
            for setting in settings
            if setting.name not in found
        }
        if new:
            write_json(self.path, {"boot_id": boot_id(), "found": {**found, **new}})

    def write(self, setting: Text, value: Value) -> None:
        """Set it, after its present value is safe on disk."""
        self.record([setting])
        setting.write(value)

    def restore(self) -> list[dict[str, Any]]:
        """Write back what was found and forget it; return what was written back.

        What is no longer there, a CPU's or an interrupt's file, has nothing to undo. Raises
        AgentError, and keeps the journal, when a value cannot be written back.
        """
        restored: list[dict[str, Any]] = []
        failed: list[str] = []
        for name, entry in reversed(list(self._found().items())):
            setting = KINDS[entry["kind"]](name, Path(entry["path"]))
            try:
                if setting.path.exists() and setting.show() != entry["value"]:
                    setting.write(entry["value"])
                    restored.append({"knob": name, "value": entry["value"]})
            except AgentError as error:
                failed.append(str(error))
        if failed:
            raise AgentError(f"not everything was restored, run restore again: {'; '.join(failed)}")
        if self.path.exists():
            self.path.unlink()
            sync_folder(self.path.parent)
        return restored
