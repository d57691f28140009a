from __future__ import annotations

from pathlib import Path

import pytest
from agent import host_state
from agent.host_state import HostState


@pytest.fixture
def cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(host_state, "CPU", tmp_path)
    return tmp_path / "cpu0"


def test_ticks_are_those_of_the_cpu_since_then(
    cpu: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = tmp_path / "stat"
    monkeypatch.setattr(host_state, "TICKS", ticks)
    ticks.write_text("cpu 20 2 4 900 40 6 8 10 12 0\ncpu0 10 1 2 500 20 3 4 5 6 0\n")
    of_one, of_all = HostState(0), HostState(None)
    ticks.write_text("cpu 50 4 8 2000 90 9 14 17 25 0\ncpu0 21 2 4 1013 37 5 6 12 17 0\n")
    assert not cpu.exists()
    assert of_one.since().items() >= {
        "busy_ticks": 11 + 1 + 2,
        "idle_ticks": 513 + 17,
        "irq_ticks": 2 + 2,
        "steal_ticks": 7,
        "guest_ticks": 11,
    }.items()  # fmt: skip
    assert of_all.since()["idle_ticks"] == 1100 + 50


def test_ticks_are_read_from_this_kernel() -> None:
    gained = HostState(0).since()
    assert all(gained[f"{kind}_ticks"] >= 0 for kind in ("busy", "idle", "irq", "steal", "guest"))
    assert gained["load_1m"] >= 0


def test_what_the_host_does_not_tell_is_none(cpu: Path) -> None:
    assert not cpu.exists()
    gained = HostState(0).since()
    assert gained["frequency_khz"] is None
    assert gained["throttles"] is None


def test_frequency_is_the_last_and_throttling_the_difference(cpu: Path) -> None:
    frequency = cpu / "cpufreq" / "scaling_cur_freq"
    throttles = cpu / "thermal_throttle" / "core_throttle_count"
    for path, value in ((frequency, 3_000_000), (throttles, 7)):
        path.parent.mkdir(parents=True)
        path.write_text(f"{value}\n")
    state = HostState(0)
    frequency.write_text("2400000\n")
    throttles.write_text("9\n")
    gained = state.since()
    assert gained["frequency_khz"] == 2_400_000
    assert gained["throttles"] == 2
