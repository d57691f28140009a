"""What must be undone on this host, on disk before it is done.

The journal holds the value found for every host knob written since. Whoever comes to undo, the
agent itself, the guard, the next agent or `restore`, reads it, writes the values back and removes
it. Module parameters do not survive a boot: a journal from another boot has nothing to undo.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agent.errors import AgentError
from agent.files import read_json, sync_folder, write_json
from agent.knobs import ModuleParameter
from agent.process import boot_id


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

    def write(self, knob: ModuleParameter, value: int) -> None:
        """Set `knob`, after its present value is safe on disk."""
        found = self._found()
        if knob.name not in found:
            found[knob.name] = {"path": str(knob.path), "value": knob.show()}
            write_json(self.path, {"boot_id": boot_id(), "found": found})
        knob.write(value)

    def restore(self) -> list[dict[str, Any]]:
        """Write back what was found and forget it; return what was written back.

        Raises AgentError, and keeps the journal, when a value cannot be written back.
        """
        restored: list[dict[str, Any]] = []
        failed: list[str] = []
        for name, entry in self._found().items():
            knob = ModuleParameter(name, Path(entry["path"]))
            try:
                if knob.show() != entry["value"]:
                    knob.write(entry["value"])
                    restored.append({"knob": name, "value": entry["value"]})
            except AgentError as error:
                failed.append(str(error))
        if failed:
            raise AgentError(f"not everything was restored, run restore again: {'; '.join(failed)}")
        if self.path.exists():
            self.path.unlink()
            sync_folder(self.path.parent)
        return restored
