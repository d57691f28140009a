"""The Ansible inventory of the hosts that are up: to the lab they are hosts like any other."""

from __future__ import annotations

import json
import os
import shlex
from typing import TYPE_CHECKING

from lab.emulation import ssh
from lab.emulation.host import Clock, group
from lab.emulation.machine import machine
from lab.emulation.room import Room, fleet_home, rooms

if TYPE_CHECKING:
    from pathlib import Path

    from lab.emulation.host import Host
    from lab.emulation.keys import Keys


# What the playbooks are told by the clock class of a host. On an icount host's one processor a look
# at the agent competes with the trials for instructions; idle, a longer look takes no longer.
CLOCK_VARIABLES: dict[Clock, dict[str, object]] = {
    Clock.EMULATED: {},
    Clock.ICOUNT: {"agent_poll_s": 3600},
}


def inventory_path() -> Path:
    return fleet_home() / "inventory.yml"


def entry(host: Host, keys: Keys) -> dict[str, object]:
    emulator = machine(host.architecture).emulator
    address = emulator.address(host, Room(host.name))
    return {
        "ansible_host": address.host,
        "ansible_port": address.port,
        "ansible_user": ssh.USER,
        "ansible_ssh_private_key_file": str(keys.user),
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_ssh_common_args": shlex.join(["-F", "/dev/null", *ssh.options(address, keys)]),
        **CLOCK_VARIABLES[host.clock],
        "kvmlab_reboot": emulator.reboots(host),
        "kvmlab_clock": host.clock.value,
        "kvmlab_architecture": host.architecture,
    }


def write_inventory(keys: Keys) -> Path:
    """Write all hosts that are up, in groups by clock class, and return the inventory's path."""
    groups: dict[str, dict[str, dict[str, object]]] = {}
    for room in rooms():
        host = room.host()
        if host and room.ready:
            groups.setdefault(group(host), {})[host.name] = entry(host, keys)
    tree = {name: {"hosts": members} for name, members in groups.items()}
    path = inventory_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}")
    # JSON is YAML, and only `kvmlab fleet` writes this file.
    partial.write_text(
        "# Written by kvmlab fleet up and down: do not edit.\n" + json.dumps(tree, indent=2) + "\n"
    )
    partial.replace(path)
    return path
