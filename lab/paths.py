"""Where the rooms of the house are."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXPERIMENTS = ROOT / "lab" / "experiments"
PROBES = ROOT / "probes"
PLAYBOOKS = ROOT / "playbooks"
RESULTS = ROOT / "results"
