"""Real Debian hosts with KVM inside, of four architectures, emulated on this machine."""

from lab.emulation.connect import attach, awake, console_log, ssh_command
from lab.emulation.events import Event, Failed, Finished, Retried, Stage, Started
from lab.emulation.fleet import Outcome, build, down, known, up
from lab.emulation.host import Clock, Host, Kernel, group
from lab.emulation.inventory import inventory_path
from lab.emulation.needs import lacking
from lab.emulation.packages import host_packages
from lab.emulation.spec import DEFAULT_FLEET, choose, load_fleet
from lab.emulation.status import State, Status, status

__all__ = [
    "DEFAULT_FLEET",
    "Clock",
    "Event",
    "Failed",
    "Finished",
    "Host",
    "Kernel",
    "Outcome",
    "Retried",
    "Stage",
    "Started",
    "State",
    "Status",
    "attach",
    "awake",
    "build",
    "choose",
    "console_log",
    "down",
    "group",
    "host_packages",
    "inventory_path",
    "known",
    "lacking",
    "load_fleet",
    "ssh_command",
    "status",
    "up",
]
