"""Estimates, effects and verdicts; `compare` is what the rest of the lab calls."""

from __future__ import annotations

from lab.stats.compare import cells, compare
from lab.stats.comparisons import Comparisons
from lab.stats.contrast import Contrast, contrast
from lab.stats.model import Cell, Comparison, Estimate, Verdict

__all__ = [
    "Cell",
    "Comparison",
    "Comparisons",
    "Contrast",
    "Estimate",
    "Verdict",
    "cells",
    "compare",
    "contrast",
]
