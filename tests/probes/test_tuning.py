"""Tuning against trees that look like /sys and /proc; a real kernel's are in tests/fleet."""

from __future__ import annotations

from pathlib import Path

import pytest
from agent.errors import AgentError
from agent.journal import Journal
from agent.tuning import Tuning, format_list, parse_list, without

FILES = {
    "sys/devices/system/cpu/cpufreq/policy0/scaling_governor": "schedutil",
    "sys/devices/system/cpu/cpufreq/policy1/scaling_governor": "powersave",
    "sys/devices/system/cpu/smt/control": "on",
    "sys/devices/system/cpu/cpu1/online": "1",
    "proc/irq/7/smp_affinity_list": "0-1",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return tmp_path


def tuning(root: Path, **asked: object) -> Tuning:
    return Tuning(asked, Journal(root), root / "sys", root / "proc")


def shown(root: Path) -> dict[str, str]:
    return {name: (root / name).read_text().strip() for name in FILES}


def test_every_policy_is_set_and_goes_back_to_its_own_value(root: Path) -> None:
    tuned = tuning(root, governor="performance")
    tuned.apply()
    assert set(list(shown(root).values())[:2]) == {"performance"}
    assert tuned.facts == [
        {"tuning": "governor", "value": "performance", "status": "ok", "reason": None}
    ]
    # Whoever comes: the guard, the next agent, `restore`.
    assert len(Journal(root).restore()) == 2
    assert shown(root) == FILES


def test_what_a_write_moves_comes_back_after_the_write_is_undone(root: Path) -> None:
    tuning(root, smt="off").apply()
    # What the kernel does then, and what it does not undo by itself.
    (root / "sys/devices/system/cpu/cpu1/online").write_text("0\n")
    (root / "proc/irq/7/smp_affinity_list").write_text("0\n")
    undone = [Path(entry["knob"]).name for entry in Journal(root).restore()]
    assert undone[0] == "control"
    assert set(undone[1:]) == {"online", "smp_affinity_list"}
    assert shown(root) == FILES


def test_a_missing_mechanism_is_a_sentence_and_only_required_ones_end_the_run(root: Path) -> None:
    tuned = tuning(root, thp="never", isolation="on", governor="performance")
    tuned.apply()
    tuned.isolate(None)
    told = {fact["tuning"]: (fact["status"], fact["reason"]) for fact in tuned.facts}
    where = "/sys/kernel/mm/transparent_hugepage/enabled"
    assert told["thp"] == ("missing", f"this host has no {where}")
    assert told["isolation"][0] == "missing"
    assert "one CPU" in told["isolation"][1]
    assert told["governor"] == ("ok", None)
    with pytest.raises(AgentError, match=r"thp=never is required by kvmlab_tuning .* has no /sys"):
        tuning(root, thp="never", required=True).apply()
    Journal(root).restore()
    assert shown(root) == FILES


def test_nothing_asked_is_nothing_written(root: Path) -> None:
    tuned = tuning(root)
    tuned.apply()
    tuned.isolate(1)
    assert tuned.facts == []
    assert not Journal(root).path.exists()


@pytest.mark.parametrize("text", ["0", "0-3", "0-2,5", "1,3,5-7", ""])
def test_lists_are_written_as_they_are_read(text: str) -> None:
    assert format_list(parse_list(text)) == text


@pytest.mark.parametrize(
    ("mask", "cpu", "left"),
    [("3", 1, "1"), ("ff", 0, "fe"), ("f,ffffffff", 35, "7,ffffffff"),
     ("f,ffffffff", 31, "f,7fffffff"), ("1", 0, "0")],
)  # fmt: skip
def test_a_cpu_leaves_a_mask_as_the_kernel_shows_it(mask: str, cpu: int, left: str) -> None:
    assert without(mask, cpu) == left
