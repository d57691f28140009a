"""Real recordings, read once."""

from __future__ import annotations

import pytest

from lab.paths import RESULTS
from lab.replay.surface import Source, sources
from lab.store.read import Run, read_run

RECORDED = RESULTS / "recorded"
BRIEF = "20261123-032244-halt_poll_brief"


@pytest.fixture(scope="session")
def brief() -> Run:
    """Five ceilings, four rhythms, eight blocks, measured on x86 under a software KVM."""
    return read_run(BRIEF, RECORDED)


@pytest.fixture(scope="session")
def source(brief: Run) -> Source:
    (found,) = sources(brief)
    return found
