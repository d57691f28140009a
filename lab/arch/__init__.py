"""What is particular to an architecture when results are read: data, one module for each.

A new one, riscv64 say, is added by adding files and by editing none:

| file | brings |
| --- | --- |
| `probes/guest/riscv64.c`, `.S`, `.h` | the guest and its VMM's part (`probes/guest/arch.h`) |
| `probes/bpf/arch/riscv64.h` | its tracepoints as transitions of a vCPU (`probes/bpf/machine.h`) |
| `probes/agent/arch/riscv64.py` | events and fields, classes of native exits, KVM's flavour |
| `lab/arch/riscv64.py` | this: its name, where it switches registers, what it cannot show |
| `lab/emulation/machine/riscv64.py` | a host of it under emulation |
| `tests/probes/formats/riscv64/` | format files of its tracepoints, from a running kernel |
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from lab.arch.model import Architecture, Blind, Boundary

__all__ = ["Architecture", "Blind", "Boundary", "architectures", "named"]

HELPERS = {"model"}


@cache
def architectures() -> dict[str, Architecture]:
    """All architectures the lab knows, by `uname -m`."""
    names = [each.name for each in iter_modules(__path__) if each.name not in HELPERS]
    return {name: import_module(f"{__name__}.{name}").ARCHITECTURE for name in names}


def named(machine: str | None) -> Architecture | None:
    """Return the architecture that `uname -m` names; None where nothing is known of it."""
    return architectures().get(machine or "")
