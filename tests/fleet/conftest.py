"""Emulated hosts that all tests here share: arm64 always, every one when KVMLAB_FORCE names fleet.

Each boots once, and pytest runs all tests of one host before it goes on to the next. What is
built is said on the terminal: the first time takes minutes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest

from lab.emulation import load_fleet
from tests.fleet.bench import ALWAYS, WHEN_FORCED, Emulated

Say = Callable[[str], None]


@pytest.fixture(scope="session")
def say(request: pytest.FixtureRequest) -> Say:
    """Return what writes a line to the terminal at once, past pytest's capture."""
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    assert capture is not None

    def write(line: str) -> None:
        with capture.global_and_fixture_disabled():
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    return write


@pytest.fixture(
    scope="session",
    params=[
        pytest.param(name, marks=[] if name == ALWAYS else WHEN_FORCED)
        for name, host in load_fleet().items()
        if host.clock.value == "emulated"
    ],
)
def emulated(request: pytest.FixtureRequest, say: Say) -> Iterator[Emulated]:
    host = Emulated(request.param, say)
    try:
        host.up()
        yield host
    finally:
        host.down()
