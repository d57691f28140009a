"""How quiet the vCPU's CPU was during a trial, as far as the host tells."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from agent.files import read_text

CPU = Path("/sys/devices/system/cpu")
TICKS = Path("/proc/stat")


class HostState:
    """Counters of the vCPU's CPU, of all CPUs where it is pinned to none (`cpu` None)."""

    def __init__(self, cpu: int | None) -> None:
        self._label = "cpu" if cpu is None else f"cpu{cpu}"
        self._folder = CPU / f"cpu{cpu or 0}"
        self._before = self._counters()

    def since(self) -> dict[str, Any]:
        """Return what the counters gained, and frequency (kHz) and load as they are now.

        What the host does not tell is None: throttling is counted by x86's thermal driver alone, a
        frequency needs cpufreq.
        """
        gained = {
            name: None if value is None or self._before.get(name) is None
            else value - self._before[name]
            for name, value in self._counters().items()
        }  # fmt: skip
        return {
            **gained,
            "frequency_khz": _number(self._folder / "cpufreq" / "scaling_cur_freq"),
            "load_1m": os.getloadavg()[0],
        }

    def _counters(self) -> dict[str, Any]:
        """Return ticks by kind (proc(5), /proc/stat), and how often heat slowed the CPU down."""
        throttles = _number(self._folder / "thermal_throttle" / "core_throttle_count")
        for line in TICKS.read_text().splitlines():
            name, *fields = line.split()
            if name == self._label:
                user, nice, system, idle, iowait, irq, softirq, steal, guest, _ = map(
                    int, fields[:10]
                )
                return {
                    "busy_ticks": user + nice + system,
                    "idle_ticks": idle + iowait,
                    "irq_ticks": irq + softirq,
                    "steal_ticks": steal,
                    "guest_ticks": guest,
                    "throttles": throttles,
                }
        return {}


def _number(path: Path) -> int | None:
    said = read_text(path)
    return int(said) if said and said.isdigit() else None
