"""What two sources know of one trial, and when their difference deserves a word."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lab.store.layout import Document


@dataclass(frozen=True)
class Pair:
    """The probe's value and another's, of a trial or of one `part` of it.

    Differences up to `grain` (in the quantity's unit) are not worth a word.
    """

    probe: float
    other: float
    grain: float
    part: str = ""


@dataclass(frozen=True)
class Quantity:
    """Something both sides know.

    `pairs` gives nothing for a row in which one side is silent. `tolerance` is the relative
    difference not worth a word; `more` and `less` say what it means when the probe has
    more, or less, than the other side, which is named by `by`. An empty meaning says that
    such a difference is in order.
    """

    name: str
    by: str
    pairs: Callable[[Document], Iterable[Pair]]
    unit: str
    tolerance: float
    more: str
    less: str


@dataclass(frozen=True)
class Difference:
    """One quantity of one trial; `absolute` is the probe's less the other's, in the unit."""

    host: str
    trial: int
    setting: str
    workload: str
    quantity: Quantity
    pair: Pair

    @property
    def absolute(self) -> float:
        return self.pair.probe - self.pair.other

    @property
    def relative(self) -> float | None:
        """As a share of the other side's value; None where that is 0."""
        return self.absolute / self.pair.other if self.pair.other else None

    @property
    def notable(self) -> bool:
        """Beyond tolerance and grain, and not in order."""
        allowed = self.pair.grain + self.quantity.tolerance * abs(self.pair.other)
        return abs(self.absolute) > allowed and bool(self.meaning)

    @property
    def meaning(self) -> str:
        return self.quantity.more if self.absolute > 0 else self.quantity.less
