"""Functions of the running kernel, and why one of them cannot be probed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from agent.files import read_text
from agent.namespace import DEBUGFS, TRACEFS

KALLSYMS = Path("/proc/kallsyms")
# perf's PMU of kprobes, and the older way by tracefs.
KPROBES = (Path("/sys/bus/event_source/devices/kprobe"), TRACEFS / "kprobe_events")
KERNEL = "vmlinux"


def functions() -> dict[str, str]:
    """Return every function of the kernel and its modules: name to module, or to `vmlinux`."""
    found: dict[str, str] = {}
    with KALLSYMS.open(errors="replace") as file:
        for line in file:
            _, kind, name, *module = line.split()
            if kind in "tTwW":
                found.setdefault(name, module[0].strip("[]") if module else KERNEL)
    return found


def why_not(name: str, known: dict[str, str]) -> str:
    """Say why no probe can be attached to `name`, after it was tried or looked for in `known`."""
    if name not in known:
        return f"because {KALLSYMS} has no {name}: it is inlined, or this kernel does without it"
    if not any(path.exists() for path in KPROBES):
        return "because this kernel has neither kprobes (CONFIG_KPROBES) nor trampolines for it"
    if name in _column(read_text(DEBUGFS / "kprobes" / "blacklist"), 1):
        return f"because the kernel blacklists {name} for kprobes (NOKPROBE_SYMBOL, noinstr)"
    traceable = read_text(TRACEFS / "available_filter_functions")
    if traceable is not None and name not in _column(traceable, 0):
        return f"because {name} is not traceable (notrace, noinstr or assembly)"
    return f"because the kernel refuses a probe on {name}; the agent's log has its words"


def traced() -> set[str]:
    """Return the functions that ftrace calls someone for at this moment."""
    return set(_column(read_text(TRACEFS / "enabled_functions"), 0))


def _column(text: str | None, number: int) -> Iterator[str]:
    for line in (text or "").splitlines():
        words = line.split()
        if len(words) > number:
            yield words[number]
