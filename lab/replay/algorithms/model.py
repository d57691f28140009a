"""What an algorithm of halt polling is made of.

The functions take and give plain integers and call nothing, so that numba compiles the very text
that Python runs (`lab.replay.loop`). A window is an `unsigned int` in every kernel: whatever may
leave 32 bits is masked with `U32`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass

from lab.errors import UsageError

U32 = 0xFFFF_FFFF
KEEP, GROW, SHRINK, CLEAR = range(4)
"""What becomes of the window after a halt; `CLEAR` sets it to 0, and KVM does not trace that."""


@dataclass(frozen=True, order=True)
class Knobs:
    """A setting of halt polling, by the names of kvm's module parameters; the first is the ceiling.

    Raises UsageError for a value that an `unsigned int` does not hold.
    """

    halt_poll_ns: int
    grow: int = 2
    grow_start: int = 10_000
    shrink: int = 2

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 <= value <= U32:
                raise UsageError(f"{name}={value} is no unsigned int: give 0 to {U32}")

    @property
    def values(self) -> tuple[int, int, int, int]:
        """Ceiling, grow, grow_start, shrink, as the loops take them."""
        ceiling, grow, grow_start, shrink = astuple(self)
        return ceiling, grow, grow_start, shrink

    @property
    def label(self) -> str:
        return " ".join(f"{name}={value}" for name, value in vars(self).items())


@dataclass(frozen=True)
class Algorithm:
    """One kernel's halt polling, as four functions; `source` says where it was read.

    | function | arguments | gives |
    | --- | --- | --- |
    | `begin` | window, ceiling | the window a halt begins with |
    | `verdict` | window, ns, slept, valid, ceiling | KEEP, GROW, SHRINK or CLEAR |
    | `grow` | window, ceiling, factor, start | the grown window |
    | `shrink` | window, divisor, start | the shrunk window |

    `ns` is the time from the halt to its end, polling included; `slept` says that the vCPU was
    scheduled out, `valid` that the wake-up was one that the architecture counts.
    `flavours` are the flavours of KVM that have this algorithm to themselves.
    """

    name: str
    title: str
    source: str
    begin: Callable[[int, int], int]
    verdict: Callable[[int, int, bool, bool, int], int]
    grow: Callable[[int, int, int, int], int]
    shrink: Callable[[int, int, int], int]
    flavours: frozenset[str] = frozenset()
