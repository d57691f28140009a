"""Look at a host that just came up: load KVM, make a VM, read what the fleet shows of it."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from lab.emulation import ssh
from lab.emulation.room import Facts
from lab.errors import FleetError

if TYPE_CHECKING:
    from lab.emulation.emulator import Address
    from lab.emulation.host import Host
    from lab.emulation.keys import Keys
    from lab.emulation.machine import Machine

TIMEOUT_S = 300.0
# Runs on the host. Opening the node is not enough: s390x without SIE has the node, too.
_LOOK = """
import fcntl, json, os, sys
KVM_GET_API_VERSION, KVM_CREATE_VM = int(sys.argv[1]), int(sys.argv[1]) + 1
problem = None
try:
    kvm = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    fcntl.ioctl(kvm, KVM_GET_API_VERSION, 0)
    os.close(fcntl.ioctl(kvm, KVM_CREATE_VM, 0))
except OSError as error:
    problem = error.strerror
pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
print(json.dumps([os.uname().release, pages >> 20, problem]))
"""


def look(host: Host, machine: Machine, address: Address, keys: Keys) -> Facts:
    """Return the facts of a host whose KVM works. Raises FleetError when it does not."""
    load = " || ".join(f"modprobe {module} 2>&1" for module in machine.kvm_modules) or "true"
    flavours = "\n".join(
        f"if {test}; then echo {name}; exit; fi" for name, test in machine.flavours.items()
    )
    # One login for all: each costs seconds under emulation.
    script = (
        f"said=$({load})\n"
        f"python3 -c {shlex.quote(_LOOK)} {machine.kvm_ioctls} || exit 1\n"
        'echo "$said" | tail -n 1\n'
        f"{flavours}\n"
    )
    told = ssh.run(address, keys, script, "sh", timeout_s=TIMEOUT_S).splitlines()
    release, memory_mib, problem = json.loads(told[0])
    if problem:
        said = f"; modprobe said: {told[1]}" if told[1] else ""
        raise FleetError(
            f"{host.name} runs {release}, whose KVM cannot make a VM ({problem}{said}):"
            f" give hosts.{host.name}.kernel a kernel with KVM for this machine."
        )
    return Facts(release, told[2] if len(told) > 2 else None, memory_mib)  # noqa: PLR2004
