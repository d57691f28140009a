from __future__ import annotations

from pathlib import Path

import pytest
from agent import host_state
from agent.host_state import HostState


@pytest.fixture
def cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(host_state, "CPU", tmp_path)
    return tmp_path / "cpu0"


def test_ticks_are_those_of_the_cpu_since_then(cpu: Path) -> None:
    of_one, of_all = HostState(0), HostState(None)
    assert not cpu.exists()
    gained = of_one.since()
    assert all(gained[f"{kind}_ticks"] >= 0 for kind in ("busy", "idle", "irq", "steal", "guest"))
    assert of_all.since()["idle_ticks"] >= gained["idle_ticks"]
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
