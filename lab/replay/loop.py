"""The loop over halts, compiled by numba from the algorithms' own text, or run by Python as it is.

Each halt has two lengths it might have had: `polled_ns`, had the poll seen the wake-up, and
`slept_ns`, had the vCPU been scheduled out. Which one it has, the window decides; what becomes of
the window, that length decides. `cut_ns` is when another task would want the CPU: that ends a poll.
"""

from __future__ import annotations

from collections.abc import Callable, MutableSequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from lab.replay.algorithms import CLEAR, GROW, SHRINK, Algorithm, Knobs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lab.replay.halts import Halts

Column = MutableSequence[int]
"""An array when compiled, a list when not."""
Compile = Callable[[Any], Any]

HIT, MISS, NO_POLL, VETOED, PENDING = range(5)
"""Outcomes of a replayed halt; `PENDING` is one that never was: its wake-up came before it."""
OUTCOMES = ("hit", "miss", "no_poll", "vetoed", "pending")
VERDICT = 4
"""The verdict on the window stands above these bits of a code."""
VALID, VETO = 1, 2
"""Bits of a halt's flags: a wake-up that counts; the architecture forbids to poll."""
SUMS = ("polled_hit_ns", "polled_vain_ns", "halted_ns")


@dataclass(frozen=True)
class Replayed:
    """What one setting makes of n halts of one vCPU.

    `codes` (n,) uint8 hold outcome and verdict, `windows` (n,) uint32 the window that each halt
    leaves behind, as KVM traces it; `sums` are int64, by SUMS.
    """

    codes: NDArray[np.uint8]
    windows: NDArray[np.uint32]
    sums: NDArray[np.int64]

    @property
    def outcomes(self) -> NDArray[np.uint8]:
        """Outcome of each halt, (n,)."""
        return self.codes & np.uint8((1 << VERDICT) - 1)

    @property
    def verdicts(self) -> NDArray[np.uint8]:
        """KEEP, GROW, SHRINK or CLEAR after each halt, (n,)."""
        return self.codes >> np.uint8(VERDICT)

    def count(self, outcome: int) -> int:
        return int(np.count_nonzero(self.outcomes == outcome))

    def sum(self, name: str) -> int:
        return int(self.sums[SUMS.index(name)])


def replay(halts: Halts, algorithm: Algorithm, knobs: Knobs, *, closed: bool = True) -> Replayed:
    """Run the compiled loop over the halts of one vCPU, whose window starts at 0.

    In a closed loop each wake-up comes as long after the beginning of its halt as it did when it
    was recorded. In an open one it comes at the instant it came at, whenever the halt begins.
    """
    n = halts.polled_ns.size
    codes, windows = np.empty(n, np.uint8), np.empty(n, np.uint32)
    sums = np.zeros(len(SUMS), np.int64)
    compiled(algorithm)(
        halts.polled_ns, halts.slept_ns, halts.cut_ns, halts.ns, halts.flags, closed, *knobs.values,
        codes, windows, sums,
    )  # fmt: skip
    return Replayed(codes, windows, sums)


@cache
def compiled(algorithm: Algorithm) -> Callable[..., None]:
    """Compile the loop for an algorithm; for each process this takes a second or two."""
    from numba import njit  # noqa: PLC0415  (slow to import)

    return build(algorithm, njit(error_model="numpy", nogil=True))


def build(algorithm: Algorithm, compile_: Compile) -> Callable[..., None]:
    """Make the loop of an algorithm; with `compile_` the identity it is plain Python, for lists."""
    begin, judge = compile_(algorithm.begin), _judge(algorithm, compile_)

    def loop(
        polled_ns: Column, slept_ns: Column, cut_ns: Column, recorded_ns: Column, flags: Column,
        closed: bool,  # noqa: FBT001
        ceiling: int, factor: int, start: int, divisor: int,
        codes: Column, windows: Column, sums: Column,
    ) -> None:  # fmt: skip
        window = 0
        # How much sooner than recorded the vCPU reaches this halt.
        lead = 0
        for i in range(len(polled_ns)):
            arrival = polled_ns[i] + lead
            if arrival <= 0 and lead < 0:
                codes[i], windows[i] = PENDING, window
                lead += recorded_ns[i]
                continue
            window = begin(window, ceiling)
            vetoed = flags[i] & VETO != 0
            ns, slept, outcome, judged = slept_ns[i] + lead, True, NO_POLL, 0
            stop = min(window, cut_ns[i])
            if window > 0 and vetoed:
                outcome = VETOED
            elif window > 0 and arrival <= stop:
                ns, slept, outcome = arrival, False, HIT
                sums[0] += ns
            elif window > 0:
                outcome = MISS
                sums[1] += stop
            sums[2] += ns
            if not vetoed:
                window, judged = judge(
                    window, ns, slept, flags[i], ceiling, factor, start, divisor
                )  # fmt: skip
            codes[i], windows[i] = outcome | judged << VERDICT, window
            if not closed:
                lead += recorded_ns[i] - ns

    built: Callable[..., None] = compile_(loop)
    return built


def _judge(algorithm: Algorithm, compile_: Compile) -> Callable[..., tuple[int, int]]:
    """Make the end of a halt: the window it leaves behind, and the verdict that made it."""
    verdict, grow, shrink = map(compile_, (algorithm.verdict, algorithm.grow, algorithm.shrink))

    def judge(
        window: int, ns: int, slept: bool, flag: int,  # noqa: FBT001
        ceiling: int, factor: int, start: int, divisor: int,
    ) -> tuple[int, int]:  # fmt: skip
        judged = verdict(window, ns, slept, flag & VALID != 0, ceiling)
        if judged == GROW:
            window = grow(window, ceiling, factor, start)
        elif judged == SHRINK:
            window = shrink(window, divisor, start)
        elif judged == CLEAR:
            window = 0
        return window, judged

    built: Callable[..., tuple[int, int]] = compile_(judge)
    return built
