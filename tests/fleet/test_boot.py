"""Boot hosts for real: foreign ones always, every one when KVMLAB_FORCE names fleet."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lab.emulation import (
    Host,
    Stage,
    State,
    awake,
    down,
    inventory_path,
    load_fleet,
    ssh_command,
    status,
    up,
)
from lab.emulation.process import marked
from lab.emulation.room import Room
from lab.errors import FleetError
from tests.fleet.bench import WHEN_FORCED

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.needs("fleet")

ALWAYS = ("emu-arm64", "icount-arm64")
NAMES = [pytest.param(name, marks=[] if name in ALWAYS else WHEN_FORCED) for name in load_fleet()]


@pytest.fixture
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    like = load_fleet()[request.param]
    # A person may have the shipped fleet up.
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = like.port and free.getsockname()[1]
    host = replace(like, name=f"test-{like.name}", port=port)
    yield host
    down([host.name])


def _ssh(host: Host, *words: str) -> str:
    done = subprocess.run(
        ssh_command(host.name, words), capture_output=True, text=True, check=True, timeout=300
    )
    return done.stdout.strip()


@pytest.mark.parametrize("host", NAMES, indirect=True)
def test_a_host_boots_is_used_killed_and_cleared(host: Host) -> None:
    (outcome,) = up([host])
    assert outcome.error is None
    room = Room(host.name)

    (seen,) = status([host], strays=False)
    assert seen.state is (State.PAUSED if host.clock.value == "icount" else State.UP)
    assert seen.flavour is not None
    assert seen.clock == host.clock.value
    assert _ssh(host, "uname", "-r") == seen.kernel
    # What the lab needs of a host: bcc, a compiler, the running kernel's headers.
    assert _ssh(host, "python3 -c 'import bcc' && cc --version >/dev/null && echo ok") == "ok"
    assert _ssh(host, "test -e /lib/modules/$(uname -r)/build/include && echo ok") == "ok"

    with awake(host.name):
        (used,) = status([host], strays=False)
        assert used.state is State.UP

    inventory = json.loads(inventory_path().read_text().partition("\n")[2])
    assert any(host.name in group["hosts"] for group in inventory.values())

    # A host that is up stays as it is.
    up([host])
    (again,) = status([host], strays=False)
    assert again.pid == seen.pid

    process = room.process()
    assert process
    process.stop(grace_s=0)
    (dead,) = status([host], strays=False)
    assert dead.state is State.FAILED
    with pytest.raises(FleetError, match="is not up"):
        ssh_command(host.name)
    assert down([host.name]) == [host.name]
    assert not marked(room.folder)
    assert not room.folder.exists()


@pytest.mark.parametrize("host", ["emu-arm64"], indirect=True)
def test_without_room_on_the_disk_one_host_says_so_and_leaves_no_process(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.emulation.fleet.LEAST_FREE_MIB", 1 << 40)
    (outcome,) = up([host])
    assert isinstance(outcome.error, FleetError)
    assert "make room there" in str(outcome.error)
    assert not marked(Room(host.name).folder)


@pytest.mark.parametrize("host", ["emu-arm64"], indirect=True)
def test_a_host_that_takes_too_long_says_so_and_leaves_no_process(host: Host) -> None:
    # Of another size than any that has a snapshot.
    slow = replace(host, boot_timeout_s=1, memory_mib=host.memory_mib - 64)
    (outcome,) = up([slow])
    assert isinstance(outcome.error, FleetError)
    assert "did not let SSH in within 1 s" in str(outcome.error)
    assert "boot_timeout_s in the fleet file" in str(outcome.error)
    assert not marked(Room(host.name).folder)


@WHEN_FORCED
@pytest.mark.parametrize("host", ["emu-x86"], indirect=True)
def test_a_host_is_resumed_in_a_known_state_with_the_right_time(host: Host) -> None:
    up([host])
    _ssh(host, "touch /root/written")
    down([host.name])
    (outcome,) = up([host])
    assert outcome.error is None
    assert Stage.RESUME in outcome.seconds
    assert _ssh(host, "ls /root") == ""
    assert float(_ssh(host, "date +%s")) == pytest.approx(time.time(), abs=60)
    (seen,) = status([host], strays=False)
    assert seen.flavour is not None
