"""Stages of a run: how far a host goes before the controller looks at its results again.

A stage is a prefix of the blocks of a host's plan. It ends where the host wants a fresh boot, and,
in a sequential run, where the controller looks whether there are blocks enough
(`lab.design.looks`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lab.store.layout import Document


def planned_blocks(trials: Sequence[Document]) -> int:
    """Return how many blocks a host's plan has."""
    return 1 + max(int(trial["block"]) for trial in trials)


def whole_blocks(trials: Sequence[Document], done: Iterable[int]) -> int:
    """Return how many blocks, from the first, have all their trials among those `done`."""
    rows = set(done)
    lacking = [int(t["block"]) for t in trials if not t["warmup"] and t["trial"] not in rows]
    return min(lacking, default=planned_blocks(trials))


def through(trials: Sequence[Document], blocks: int) -> int:
    """Return how many trials of a host's plan its first `blocks` blocks and their warm-ups take."""
    return 1 + max(int(t["trial"]) for t in trials if not t["warmup"] and t["block"] < blocks)


def first_blocks(plan: Document, host: str) -> int:
    """Return after how many blocks a host may stop at the earliest."""
    blocks = planned_blocks(plan["hosts"][host])
    return int(plan["stop"]["min_blocks"]) if plan.get("stop") else blocks


def until_reboot(trials: Sequence[Document], done: int, wanted: int) -> int:
    """Return how many of the `wanted` blocks go before the next reboot, `done` having run."""
    groups = {int(t["block"]): _group(t) for t in trials if not t["warmup"]}
    return min(wanted, 1 + max(b for b, group in groups.items() if group == groups[done]))


def earlier_boots(trials: Sequence[Document], rows: Iterable[Document], block: int) -> list[str]:
    """Return the boots that groups of blocks before `block`'s ran in: not to be used again."""
    group = next(_group(t) for t in trials if t["block"] == block)
    return sorted({row["boot_id"] for row in rows if _group(row) < group})


def _group(trial: Document) -> int:
    # Plans without the key come from a time when a run was one boot.
    return int(trial.get("boot_group", 0))
