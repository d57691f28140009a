"""One series, night after night: what the two judges said each time.

Nothing here looks ahead: what is said of a night depends on the nights up to it, and adding
nights never rewrites what was said. After a change both judges agreed on, the baseline begins
anew at the change, and what is known of the scatter stays. At a break nothing stays.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lab.detect.compiled import compiled
from lab.detect.divisive import best_split, drop, push
from lab.detect.noise import autocorrelation, independent, inflation, scatter
from lab.detect.rule import Floats, Rule, by_nights, critical, log_share
from lab.detect.shape import is_drift

QUIET, SUSPICIOUS, CALLED, CONFIRMED = 0, 1, 2, 3
LEAST_BEFORE, LEAST_AFTER = 4, 2
"""Nights on both sides of a change: never the last one alone, and a second step soon after."""
REMEMBERED = 120
"""Degrees of freedom of earlier levels that the scatter remembers."""
FLOOR = 0.25
"""Share of the least effect below which scatter does not matter: such a change shows at once."""
RECENT = 60
"""Nights after which a change is news no more, and the new baseline."""
SETTLED = 5
"""Nights a change must have lasted before it is the new baseline."""
MAD = 1.4826

SAID = np.dtype(
    [
        ("night", np.int64),  # the night that was judged, an index
        ("state", np.int64),
        ("since", np.int64),  # first night of the change, an index
        ("first", np.int64),  # first night of the baseline, an index
        ("before", np.int64),  # nights of the baseline
        ("after", np.int64),  # nights since the change
        ("level", np.float64),  # of the baseline, log
        ("effect", np.float64),  # log ratio of the nights since the change
        ("error", np.float64),  # its standard error
        ("degrees", np.int64),  # its degrees of freedom
        ("t", np.float64),  # of the change point
        ("shifted", np.bool_),  # what judge 2 says
        ("tonight", np.float64),  # log ratio of this night alone
        ("tonight_error", np.float64),
        ("stands_out", np.bool_),  # what judge 1 says
        ("scale", np.float64),  # standard deviation of a night, log
        ("r", np.float64),  # autocorrelation of neighbouring nights
        ("phi", np.float64),  # its decay
        ("drift", np.bool_),
    ]
)
Said = NDArray[np.void]
Row = Any
"""One element of Said; only numba gives its fields as attributes."""
Flags = NDArray[np.bool_]


class Limits(NamedTuple):
    """A Rule as the compiled loop takes it: logs and tables of critical values."""

    least: float
    floor: float
    window: int
    nights: int
    clip: float
    stands_out: Floats
    alone: Floats
    shifted: Floats
    settled: Floats

    @classmethod
    def of(cls, rule: Rule, noise_floor: float) -> Limits:
        degrees = rule.window + REMEMBERED
        return cls(
            log_share(max(rule.minimum_effect, noise_floor)),
            log_share(rule.minimum_effect) * FLOOR,
            rule.window,
            rule.nights,
            rule.clip,
            critical(rule.p_tonight, degrees),
            critical(rule.p_alone, degrees),
            by_nights(rule.p_shift, degrees, RECENT),
            critical(rule.p_settled, degrees),
        )


def scan(
    values: Floats,
    errors: Floats,
    breaks: Flags,
    rule: Rule,
    noise_floor: float,
    reruns: tuple[Floats, Floats] | None = None,
) -> Said:
    """Judge every night of one series.

    `values`, `errors`: (nights,) as of `summarise`, NaN where nothing was measured; `breaks`:
    (nights,), true where the series breaks before the night; `noise_floor`: the relative change
    that A/A runs of this series show; `reruns`: values and errors of what was run again in
    a night, NaN where nothing was. Returns a row (SAID) for each night that was not QUIET
    and a last one for the last night that was measured, whatever its state; nothing where no
    baseline is long enough.
    """
    there = np.flatnonzero(~np.isnan(values))
    era = np.cumsum(breaks)[there]
    resets = np.diff(era, prepend=era[:1]) > 0
    said = np.zeros(there.size + 2, SAID)
    again = (np.full(values.size, np.nan),) * 2 if reruns is None else reruns
    limits = Limits.of(rule, noise_floor)
    rows = _scan(
        values[there], errors[there], again[0][there], again[1][there], resets, limits, said
    )
    found = said[:rows]
    for name in ("night", "first", "since"):
        found[name] = there[found[name]]
    return found


@compiled
def _scan(
    values: Floats,
    errors: Floats,
    again: Floats,
    again_errors: Floats,
    resets: Flags,
    limits: Limits,
    said: Said,
) -> int:
    # A split's arrays have one more place than nights, and a re-run takes another.
    clipped = np.empty(limits.window + 2)
    before, after = np.zeros(limits.window + 3), np.zeros(limits.window + 3)
    memory = np.zeros(4)
    first = count = rows = 0
    scale = 0.0
    for night in range(values.size):
        if resets[night]:
            first, count, scale = night, 0, 0.0
            memory[:] = 0
        window = values[first : night + 1]
        if scale == 0:
            if window.size == limits.nights:
                scale = _begin(window, limits, clipped, before, after)
                count = window.size
            continue
        if count == limits.window:
            drop(clipped, before, after, count)
            first += 1
            count -= 1
            window = window[1:]
        centre = clipped[:count].mean()
        reach = limits.clip * scale
        push(clipped, before, after, count, _clip(values[night], centre, reach))
        count += 1
        row: Row = said[rows]
        row.night = night
        split = _candidate(before, after, count)
        noise = errors[first : night + 1]
        settled = _judge(window, noise, clipped[:count], split, memory, limits, row)
        scale, cut = row.scale, row.since
        if row.state == CALLED and not math.isnan(again[night]):
            if row.after == 1:
                _confirm_alone(again[night], limits, row)
            else:
                more, rest = before.copy(), after.copy()
                push(clipped, more, rest, count, _clip(again[night], centre, reach))
                split = _candidate(more, rest, count + 1)
                _confirm(
                    np.append(window, again[night]),
                    np.append(noise, again_errors[night]),
                    clipped[: count + 1],
                    split,
                    memory,
                    limits,
                    row,
                    said[-1],
                )
        row.first = first
        row.since += first
        if settled:
            # As if nothing had been run again: what a night says does not hang on earlier re-runs.
            _remember(memory, clipped[:cut])
            first += cut
            count -= cut
            _refill(values[first : night + 1], limits.clip * scale, clipped, before, after)
        if row.state != QUIET or night == values.size - 1:
            rows += 1
    return rows


@compiled
def _candidate(before: Floats, after: Floats, count: int) -> int:
    """Return the best split of no more than RECENT nights ago, as the nights before it; or 0."""
    return best_split(before, after, count, max(LEAST_BEFORE, count - RECENT), LEAST_AFTER)[0]


@compiled
def _judge(
    window: Floats,
    errors: Floats,
    clipped: Floats,
    split: int,
    memory: Floats,
    limits: Limits,
    row: Row,
) -> bool:
    """Fill in `row`, `since` as a position in the window; `split` 0 means there is no candidate.

    Returns whether the change is the new baseline from now on.
    """
    count = window.size
    m = split or count - 1
    level, sums = scatter(clipped[:m])
    shifted_to, more = scatter(clipped[m:])
    sums = sums + more + memory
    r, phi = autocorrelation(sums)
    scale = max(math.sqrt(sums[0] / sums[3]), limits.floor)
    degrees = independent(sums[3], r, phi)
    error = scale * math.sqrt(inflation(m, r, phi) / m + inflation(count - m, r, phi) / (count - m))
    row.t = (shifted_to - level) / error if split else 0.0
    row.shifted = abs(row.t) > limits.shifted[count - m, degrees]
    if row.shifted:
        effect, nearer = _since(window[m:], level, limits.clip * scale)
        row.shifted = nearer.sum() >= LEAST_AFTER or not nearer[-1]
    if not row.shifted:
        # No change so far, or one that is all tonight's: judged by the nights before it.
        m = count - 1
        level = clipped[:m].mean()
        error = scale * math.sqrt(inflation(m, r, phi) / m + 1)
        effect, nearer = _since(window[m:], level, limits.clip * scale)
    row.before, row.after, row.since = m, count - m, m
    row.level, row.effect, row.error, row.degrees = level, effect, error, degrees
    row.scale, row.r, row.phi = scale, r, phi
    row.shifted = row.shifted and abs(effect) >= limits.least
    row.tonight = window[-1] - level
    row.tonight_error = _tonight_error(errors, m, scale, r, phi)
    far = abs(row.tonight) / row.tonight_error
    row.stands_out = far > limits.stands_out[degrees] and abs(row.tonight) >= limits.least
    row.state = QUIET
    if row.shifted and nearer[-1]:
        row.state = CALLED
        row.drift = is_drift(clipped, m)
        sure = count - m >= SETTLED and float(abs(row.t)) > limits.settled[degrees]
        return bool(sure or count - m >= RECENT)
    if row.shifted or row.stands_out:
        alone = row.after == 1 and row.stands_out and far > limits.alone[degrees]
        row.state = CALLED if alone else SUSPICIOUS
    return False


@compiled
def _since(rest: Floats, level: float, reach: float) -> tuple[float, Flags]:
    """Return how far the nights of a change lie from `level`, and which are nearer to the new one.

    Each is clipped about their median; however far off the last point is, it does not carry the
    one before it.
    """
    centre = np.median(rest)
    effect = 0.0
    for value in rest:
        effect += (_clip(value, centre, reach) - level) / rest.size
    return effect, (rest - level) * math.copysign(1.0, effect) > abs(effect) / 2


@compiled
def _confirm(
    window: Floats,
    errors: Floats,
    clipped: Floats,
    split: int,
    memory: Floats,
    limits: Limits,
    row: Row,
    trial: Row,
) -> None:
    """Judge again with the re-run as one more night; `row` becomes what an agreement says."""
    _judge(window, errors, clipped, split, memory, limits, trial)
    if trial.state == CALLED and trial.after > LEAST_AFTER:
        row.state, row.drift, row.shifted = CONFIRMED, trial.drift, True
        row.since, row.before, row.after = trial.since, trial.before, trial.after - 1
        row.level, row.effect, row.error = trial.level, trial.effect, trial.error
        row.degrees, row.t = trial.degrees, trial.t


@compiled
def _confirm_alone(again: float, limits: Limits, row: Row) -> None:
    """Judge tonight by the mean with its re-run, which counts as one night.

    What disturbs a night may disturb its re-run, too; so the two together must be as far off as
    one that asks for a re-run, and both of them nearer to the new level than to the old.
    """
    repeated = again - row.level
    effect = (row.tonight + repeated) / 2
    way = math.copysign(1.0, effect)
    nearer = min(way * row.tonight, way * repeated) > abs(effect) / 2
    if nearer and abs(effect) > limits.alone[row.degrees] * row.tonight_error:
        row.state, row.effect = CONFIRMED, effect


@compiled
def _tonight_error(errors: Floats, m: int, scale: float, r: float, phi: float) -> float:
    """Return the standard error of tonight against a baseline of `m` nights.

    Variance components of a one-way layout (Searle, Casella and McCulloch, Variance Components,
    section 3.6): nights vary by what lies between them and by their trials' error, and a
    night of fewer or wilder trials than the baseline's varies by the difference more.
    """
    usual, known = 0.0, 0
    for error in errors[:m]:
        if not math.isnan(error):
            usual += error
            known += 1
    extra = 0.0
    if known and not math.isnan(errors[-1]):
        extra = max(errors[-1] - usual / known, 0.0)
    return math.sqrt(scale**2 * (1 + inflation(m, r, phi) / m) + extra)


@compiled
def _clip(value: float, centre: float, reach: float) -> float:
    """Huber's psi about `centre`: Robust Estimation of a Location Parameter, 1964."""
    return min(max(value, centre - reach), centre + reach)


@compiled
def _begin(window: Floats, limits: Limits, clipped: Floats, before: Floats, after: Floats) -> float:
    """Start a baseline; return the standard deviation of its clipped nights."""
    spread = MAD * np.median(np.abs(window - np.median(window)))
    _refill(window, limits.clip * max(spread, limits.floor), clipped, before, after)
    _, sums = scatter(clipped[: window.size])
    return max(math.sqrt(sums[0] / sums[3]), limits.floor)


@compiled
def _refill(window: Floats, reach: float, clipped: Floats, before: Floats, after: Floats) -> None:
    """Make the split's sums anew for `window`, clipped about its median."""
    centre = np.median(window)
    before[:2] = 0
    for count, value in enumerate(window):
        push(clipped, before, after, count, _clip(value, centre, reach))


@compiled
def _remember(memory: Floats, level: Floats) -> None:
    """Add the scatter of a level that ended, and forget as much of older ones."""
    memory += scatter(level)[1]
    if memory[3] > REMEMBERED:
        memory *= REMEMBERED / memory[3]
