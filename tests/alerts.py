"""Made-up changes of made-up hosts, for tests of alerts; every host is called `synthetic…`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from lab.alerts import Cell, Change, Point, Standing
from lab.history.key import SeriesKey

KNOB = "vm.halt_poll_ns"
SETTING = f"{KNOB}=200000"
GOOD, SINCE = "2026-03-09", "2026-03-10"
NOW = datetime(2026, 3, 11, 6, tzinfo=UTC)
WORKLOAD = {
    "name": "fixed-150us",
    "guest": "halt",
    "count": 200,
    "interval": {"kind": "fixed", "ns": 150_000},
}
KEY = SeriesKey("synthetic-a", "hardware", "halt_poll", SETTING, "fixed-150us", "wakeup_p50_ns")
OLD_KERNEL = "6.1.0-25-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.106-3 (2024-08-26)"
NEW_KERNEL = "6.1.0-26-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.112-1 (2024-09-30)"


def change(
    ratio: float = 1.12,
    since: str = SINCE,
    last_good: str | None = None,
    **key: str,
) -> Change:
    """Return a step of `ratio` from 10 µs, its interval 2 % wide; `key` are parts of its series."""
    night = date.fromisoformat(since)
    nights = [(night + timedelta(days=offset)).isoformat() for offset in range(-20, 2)]
    level = 10_000.0
    values = [
        level * (ratio if each >= since else 1) * (1 + 0.002 * (n % 3))
        for n, each in enumerate(nights)
    ]
    return Change(
        series=replace(KEY, **key),
        host_class="x86_64 vmx hardware",
        kind="step",
        ratio=ratio,
        low=ratio - 0.01,
        high=ratio + 0.01,
        before=level,
        after=level * ratio,
        since=since,
        last_good=last_good or (night - timedelta(days=1)).isoformat(),
        run=f"{since.replace('-', '')}-010000-halt_poll",
        evidence="both judges: adjusted p 1e-9",
        cell=Cell(WORKLOAD, {KNOB: 200_000}, ("halts",)),
        trend=tuple(
            Point(each, value, value * 0.99, value * 1.01)
            for each, value in zip(nights, values, strict=True)
        ),
    )


@dataclass
class Night:
    """What `update` asks of a night: answers put there by the test."""

    kernels: Mapping[str, str] = field(default_factory=dict)
    """Kernel by night; the old one on all others."""
    stands: Standing = Standing.UNKNOWN

    def conditions(self, host: str, night: str) -> Mapping[str, str]:
        return {"kernel": self.kernels.get(night, OLD_KERNEL), "microcode": "0x2b", "host": host}

    def standing(self, change: Change) -> Standing:  # noqa: ARG002
        return self.stands
