"""Emulated hosts that all tests here share: arm64 always, every one when KVMLAB_FORCE names fleet.

Each boots once, and pytest runs all tests of one host before it goes on to the next; several
processes of pytest (`make test`) have a host each. What is built is said on the terminal: the first
time takes minutes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from lab.emulation import load_fleet
from tests.fleet.bench import ALWAYS, WHEN_FORCED, Emulated

Say = Callable[[str], None]


class ByHost(LoadScopeScheduling):  # type: ignore[misc]
    """Give all tests of one host to one process."""

    def _split_scope(self, nodeid: str) -> str:
        return max((host for host in load_fleet() if host in nodeid), key=len, default="here")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByHost:
    return ByHost(config, log)


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
