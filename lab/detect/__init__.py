"""What changed in the nights so far: two judges over trial-level history; see README.md here."""

from __future__ import annotations

from lab.detect.judge import detect, judge
from lab.detect.model import (
    Break,
    Finding,
    Judgement,
    Kind,
    Series,
    Shift,
    State,
    Tonight,
    Way,
)
from lab.detect.rule import Rule

__all__ = [
    "Break",
    "Finding",
    "Judgement",
    "Kind",
    "Rule",
    "Series",
    "Shift",
    "State",
    "Tonight",
    "Way",
    "detect",
    "judge",
]
