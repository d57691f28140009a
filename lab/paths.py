"""Where the rooms of the house are."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXPERIMENTS = ROOT / "lab" / "experiments"
PROBES = ROOT / "probes"
PLAYBOOKS = ROOT / "playbooks"
RESULTS = ROOT / "results"


def cache_root() -> Path:
    """Where this user's cache of the lab is (the XDG base directory specification)."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The specification has a relative path ignored.
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "kvmlab"
