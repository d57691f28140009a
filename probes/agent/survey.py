"""What this host shows of KVM, as names: for tables of many hosts, and what they have in common."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any, Callable

from agent import symbols
from agent.errors import UnsupportedError
from agent.functions import CHEAP, Functions
from agent.namespace import DEBUGFS, TRACEFS
from agent.tracepoint import parse_format

BTF = Path("/sys/kernel/btf")
SHOWN_BTF = ("vmlinux", "kvm")
# What common code calls in an architecture, and what it does with a vCPU.
INTERFACES = ("kvm_arch_", "kvm_vcpu_")
# Fields that every tracepoint has.
COMMON = "common_"

# An event that every kernel has and that is rare: the programs are there to be attached only.
EVENT = "sched:sched_process_exit"
PROGRAMS = b"""
int on_raw(void *ctx) { return 0; }
int on_tracepoint(void *ctx) { return 0; }
int on_function(void *ctx) { return 0; }
"""


def look(workloads: dict[str, Any]) -> dict[str, Any]:
    """Return the survey as probes/README.md describes it; `workloads` is what the VMM says of them.

    Wants `agent.bpf.prepare` before it. Raises UnsupportedError when bcc cannot compile.
    """
    with closing(Functions()) as functions:
        probed = functions.described()
    return {
        "btf": sorted(path.name for path in BTF.glob("*") if path.name.startswith(SHOWN_BTF)),
        "attach": _attach_kinds(),
        "tracepoints": _tracepoints(),
        "statistics": _statistics(),
        "interfaces": _interfaces(),
        "functions": probed,
        "workloads": workloads,
    }


def _attach_kinds() -> dict[str, str | None]:
    """Attach a program that does nothing in each way; return why one does not work, or None."""
    from bcc import BPF  # noqa: PLC0415

    program = BPF(text=PROGRAMS)
    event, function = EVENT.encode(), CHEAP.names[0].encode()
    kinds: dict[str, Callable[[], object]] = {
        "raw tracepoint": lambda: program.attach_raw_tracepoint(
            tp=event.partition(b":")[2], fn_name=b"on_raw"
        ),
        "tracepoint": lambda: program.attach_tracepoint(tp=event, fn_name=b"on_tracepoint"),
        "kprobe": lambda: program.attach_kprobe(event=function, fn_name=b"on_function"),
        "fentry": _trampoline,
    }
    try:
        return {kind: _trouble(kind, attach) for kind, attach in kinds.items()}
    finally:
        program.cleanup()


def _trampoline() -> None:
    from bcc import BPF  # noqa: PLC0415

    if not BPF.support_kfunc():
        raise UnsupportedError("bcc knows no trampolines on this architecture and kernel")
    BPF(text=f"KFUNC_PROBE({CHEAP.names[0]}) {{ return 0; }}".encode()).cleanup()


def _trouble(kind: str, attach: Callable[[], object]) -> str | None:
    try:
        attach()
    except UnsupportedError as error:
        return str(error)
    except Exception:  # noqa: BLE001  (bcc raises nothing finer, and its words mislead)
        return f"the kernel refuses a program of the kind {kind}; the log has its words"
    return None


def _tracepoints() -> dict[str, list[str]]:
    """Return the fields of every tracepoint in a group of KVM's."""
    return {
        f"{path.parent.parent.name}:{path.parent.name}": [
            field for field in parse_format(path.read_text()) if not field.startswith(COMMON)
        ]
        for path in sorted((TRACEFS / "events").glob("kvm*/*/format"))
    }


def _statistics() -> list[str] | None:
    """Return the names of KVM's statistics: debugfs has a file for each, with or without VMs."""
    folder = DEBUGFS / "kvm"
    return sorted(p.name for p in folder.iterdir() if p.is_file()) if folder.is_dir() else None


def _interfaces() -> list[str]:
    # What compilers add to a name stands behind a dot; __pfx_ and the like are before it.
    names = {name.partition(".")[0] for name in symbols.functions()}
    return sorted(name for name in names if name.startswith(INTERFACES))
