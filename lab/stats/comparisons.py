"""Many comparisons as columns; one of them in words when it is asked for.

A year of nights of a fleet is hundreds of thousands of comparisons, of which people read a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import pandas as pd

from lab.metrics import Direction
from lab.stats.evidence import MEDIANS, OF_REFERENCE, WARNINGS
from lab.stats.interval import MIN_BLOCKS
from lab.stats.location import coverage
from lab.stats.model import Comparison, Verdict
from lab.stats.power import ALPHA
from lab.stats.verdict import TOWARDS, Evidence, Noise, Why, decide, sentence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lab.metrics import Metric
    from lab.stats.evidence import Columns
    from lab.stats.location import Floats
    from lab.stats.noise import Key
    from lab.stats.pairs import Codes, Pairs

    Names = pd.Categorical[str]

GROUP = ["run", "host", "architecture", "clock_class", "workload"]
TESTED = (
    "log_ratio",
    "standard_error",
    "freedom",
    "p",
    "p_adjusted",
    "p_permutation",
    "p_equivalent",
    "detectable",
)
FIELDS = [each.name for each in fields(Comparison)]
INCONCLUSIVE = [each for each in Why if each.verdict is Verdict.INCONCLUSIVE]
AT_ONCE = 4096
"""Rows that become `Comparison` together: a column is read once for all of them."""


@dataclass(frozen=True)
class Comparisons(Sequence[Comparison]):
    """What `lab.stats.compare` found: a sequence of `Comparison`, kept as columns.

    `columns` has the fields of `Comparison` but `reason`, NaN for None. What a verdict rests on is
    in `why` (codes of `Why`) and `evidence`; `unmeasured` says why there is none, by position.
    """

    columns: pd.DataFrame
    why: Codes
    evidence: Evidence[Floats]
    unmeasured: Mapping[int, str]

    @classmethod
    def of(
        cls,
        pairs: Pairs,
        seen: Columns,
        reference: str,
        metrics: Sequence[Metric],
        margin: float,
        floors: Mapping[Key, Noise],
    ) -> Comparisons:
        """Decide on every one of `pairs` by what was `seen` of it, families included."""
        unmeasured = np.zeros(pairs.n.size, bool)
        unmeasured[list(pairs.unmeasured)] = True
        known = ~np.isnan(seen["low"]) & ~unmeasured
        floor, shown = _noise(pairs, metrics, floors)
        evidence = Evidence(
            ratio=np.exp(seen["log_ratio"]),
            low=np.exp(seen["low"] - seen["blur"]),
            high=np.exp(seen["high"] + seen["blur"]),
            p_adjusted=seen["p_adjusted"],
            p_permutation=seen["p_permutation"],
            p_equivalent=seen["p_equivalent"],
            p_boots=seen["p_boots"],
            boots=seen["boots"],
            floor=np.where(shown, floor, np.nan),
            margin=np.full(pairs.n.size, margin),
            towards=np.array([TOWARDS[each.direction] for each in metrics])[pairs.metric],
        )
        obstacle = np.select(
            [unmeasured, pairs.n < MIN_BLOCKS, seen["zero"] > 0],
            [Why.UNMEASURED, Why.TOO_FEW, Why.ZERO],
            Why.NO_SPREAD,
        )
        why = np.where(known, decide(evidence), obstacle)
        few = np.where(why == Why.TOO_FEW, float(MIN_BLOCKS), np.nan)
        is_open = known & np.isin(why, INCONCLUSIVE)
        columns = _names(pairs, reference, metrics) | {
            "n": pairs.n,
            **_described(seen, evidence.ratio, known),
            "coverage": _coverages(pairs.n),
            "low": np.where(known, evidence.low, np.nan),
            "high": np.where(known, evidence.high, np.nan),
            **{name: np.where(known, seen[name], np.nan) for name in TESTED},
            "family": np.where(known, seen["family"], 0).astype(int),
            "verdict": _verdicts(why, pairs.unmeasured),
            "boots": np.nan_to_num(seen["boots"]).astype(int),
            "margin": evidence.margin,
            "noise_floor": floor,
            "needed": np.where(is_open, seen["needed"], few),
            "warnings": _warnings(seen, known),
        }
        named = [name for name in FIELDS if name != "reason"]
        return cls(
            pd.DataFrame(columns, columns=named),
            why,
            evidence,
            {position: reason for position, (_, reason) in pairs.unmeasured.items()},
        )

    def frame(self) -> pd.DataFrame:
        """All of them as a table: a row for each, a column for each field of `Comparison`."""
        reasons = [self._reason(position) for position in range(len(self))]
        coded = self.columns.select_dtypes("category").columns
        named = self.columns.astype(dict.fromkeys(coded, "str"))
        return named.assign(reason=pd.Series(reasons, dtype="str"))[FIELDS]

    def __len__(self) -> int:
        return len(self.columns)

    @overload
    def __getitem__(self, at: int) -> Comparison: ...
    @overload
    def __getitem__(self, at: slice) -> list[Comparison]: ...
    def __getitem__(self, at: int | slice) -> Comparison | list[Comparison]:
        if isinstance(at, slice):
            return list(self._rows(range(len(self))[at]))
        return next(self._rows([range(len(self))[at]]))

    def __iter__(self) -> Iterator[Comparison]:
        for start in range(0, len(self), AT_ONCE):
            yield from self._rows(range(len(self))[start : start + AT_ONCE])

    def _rows(self, positions: Sequence[int]) -> Iterator[Comparison]:
        some = self.columns.iloc[list(positions)]
        rows = zip(*(some[name].tolist() for name in some), strict=True)
        for position, values in zip(positions, rows, strict=True):
            row = {
                str(name): None if value != value else value  # noqa: PLR0124  (NaN alone)
                for name, value in zip(some, values, strict=True)
            }
            yield Comparison(**_typed(row), reason=self._reason(position))

    def _reason(self, position: int) -> str:
        why = Why(self.why[position])
        if why is Why.UNMEASURED:
            return self.unmeasured[position]
        if why is Why.TOO_FEW:
            n = self.columns["n"].iloc[position]
            return f"{n} blocks have both settings, and at least {MIN_BLOCKS} are needed"
        return sentence(why, Evidence(*(values[position] for values in self.evidence)))


def _typed(row: dict[str, Any]) -> dict[str, Any]:
    needed = row["needed"]
    return row | {
        "direction": Direction(row["direction"]),
        "verdict": Verdict(row["verdict"]),
        "needed": None if needed is None else int(needed),
    }


def _names(pairs: Pairs, reference: str, metrics: Sequence[Metric]) -> dict[str, Names]:
    """Say what each pair is, as codes into the few names there are."""
    of_metrics = {
        "metric": [each.name for each in metrics],
        "unit": [each.unit for each in metrics],
        "direction": [str(each.direction) for each in metrics],
    }
    return {
        **{name: _coded(pairs.groups[name], pairs.group) for name in GROUP},
        **{name: _coded(values, pairs.metric) for name, values in of_metrics.items()},
        "setting": _coded(pairs.settings, pairs.setting),
        "reference": _coded([reference], np.zeros_like(pairs.n)),
    }


def _coded(names: Sequence[str] | pd.Series[str], which: Codes) -> Names:
    codes, categories = pd.factorize(np.asarray(names, dtype=object))
    return pd.Categorical.from_codes(codes[which], pd.Index(categories))


def _described(seen: Columns, ratio: Floats, known: NDArray[np.bool_]) -> Columns:
    """Medians with what belongs to them, difference and ratio, as far as there are values."""
    median, reference = seen["median"], seen["reference_median"]
    positive = (median > 0) & (reference > 0)
    of_medians = np.divide(median, reference, out=np.full(median.size, np.nan), where=positive)
    return {
        **{name: seen[name] for name in (*MEDIANS, *OF_REFERENCE)},
        "difference": median - reference,
        "ratio": np.where(known, ratio, of_medians),
    }


def _coverages(n: Codes) -> Floats:
    """Say what the medians' intervals cover, by the numbers of blocks."""
    sizes, which = np.unique(n, return_inverse=True)
    return np.array([coverage(int(size)) for size in sizes], dtype=float)[which]


def _verdicts(why: Codes, unmeasured: Mapping[int, tuple[Verdict | None, str]]) -> Names:
    names = list(Verdict)
    of = np.array([names.index(each.verdict) for each in Why])[why]
    for position, (verdict, _) in unmeasured.items():
        of[position] = names.index(verdict or Verdict.INCONCLUSIVE)
    return pd.Categorical.from_codes(of, pd.Index([str(each) for each in names]))


def _warnings(seen: Columns, known: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Texts of the warnings of each pair: of the few sets there may be, the one that applies."""
    texts = list(WARNINGS.values())
    sets = np.empty(1 << len(texts), dtype=object)
    sets[:] = [
        tuple(text for bit, text in enumerate(texts) if number >> bit & 1)
        for number in range(sets.size)
    ]
    warned = [(seen[name] < ALPHA) & known for name in WARNINGS]
    found: NDArray[np.object_] = sets[sum(each << bit for bit, each in enumerate(warned))]
    return found


def _noise(
    pairs: Pairs, metrics: Sequence[Metric], floors: Mapping[Key, Noise]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Floor of each pair's host, workload and metric (NaN without one), and if it is shown."""
    unknown = Noise(np.nan, shown=False)
    names = (pairs.groups[name].tolist() for name in ("host", "workload"))
    of = [
        [floors.get((host, workload, each.name), unknown) for each in metrics]
        for host, workload in zip(*names, strict=True)
    ]
    floor = np.array([[each.floor for each in row] for row in of], dtype=float)
    shown = np.array([[each.shown for each in row] for row in of], dtype=bool)
    return floor[pairs.group, pairs.metric], shown[pairs.group, pairs.metric]
