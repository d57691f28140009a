"""Names of the files of a run folder; `results/FORMAT.md` says what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

Document: TypeAlias = dict[str, Any]

SCHEMA = 1

EXPERIMENT = "experiment.toml"
PLAN = "plan.json"
MANIFEST = "manifest.json"
LOG = "ansible.log"
REPORT = "report.html"
INDEX = ".index"


def rows_file(run: Path, host: str) -> Path:
    return run / f"{host}.jsonl.gz"
