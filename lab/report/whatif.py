"""What other settings would have done, on the page of a run: its recorded halts, replayed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from lab.errors import UsageError
from lab.labels import clock
from lab.replay import Knobs, Surface, grid, surfaces
from lab.replay.surface import BURNED, LATENCY
from lab.replay.tables import LOOP, said, short, varying
from lab.replay.trial import MORE_CPU
from lab.replay.tuning import Goal, choices
from lab.report.material import Picture
from lab.report.replay import LEGEND, RECOMMENDED, front, table
from lab.report.style import titled
from lab.stats import Estimate
from lab.store.read import Run

GRID = "halt_poll_ns=0,10us,20us,50us,100us,200us,500us,1ms shrink=0,2"


def whatif(run: Run, host: str) -> Picture | None:
    """Draw what the settings of GRID would have done on a host: a small picture for each workload.

    None where too few halts were recorded at the reference to replay them, and where no setting
    would have changed a latency, as on a host whose KVM never polls.
    """
    alone = Run(run.path, run.manifest, run.plan, {host: run.rows[host]})
    try:
        with ThreadPoolExecutor(1) as here:
            found = surfaces(alone, _settings, here)
    except UsageError:
        return None
    told = [each for each in found if _differs(each)]
    if not told:
        return None
    clock_class = clock(told[0].clock_class or "unknown")
    advised = {each.workload: _advised(each) for each in told}
    return Picture(
        title="What other settings would have done",
        caption="Halt polling replayed from the halts recorded at the reference; nothing was run. "
        "Each point is a setting: median wake-up latency against share of a CPU, medians over "
        "trials. Down and left is better; the line joins settings that no other beats in both.",
        legend=(*LEGEND, RECOMMENDED) if any(advised.values()) else LEGEND,
        multiples=tuple(
            front(each, _names(each), advised[each.workload], titled(each.workload, clock_class))
            for each in told
        ),
        tables=tuple(
            table(each, _names(each), f"{each.workload}: settings that no other beats")
            for each in told
        ),
        remarks=(*(_advice(each, advised[each.workload]) for each in told), *_notes(run, told)),
    )


def _settings(base: Knobs) -> list[Knobs]:
    """Every setting of GRID, and what was recorded."""
    return sorted({base, *grid.settings(grid.parse(GRID), base)})


def _differs(surface: Surface) -> bool:
    latencies = [each.metrics[LATENCY] for each in surface.points if LATENCY in each.metrics]
    return len({each.value for each in latencies}) > 1


def _names(surface: Surface) -> list[str]:
    return varying([point.knobs for point in surface.points])


def _advised(surface: Surface) -> Knobs | None:
    """Return the fastest setting for no more CPU than was recorded, if it is shown to be faster."""
    recorded = surface.metrics(surface.recorded)
    (choice,) = choices([surface], Goal(budget=_high(recorded[MORE_CPU])))
    if not choice.knobs:
        return None
    faster = _high(surface.metrics(choice.knobs)[LATENCY]) < _low(recorded[LATENCY])
    return choice.knobs if faster else None


def _advice(surface: Surface, advised: Knobs | None) -> str:
    if not advised:
        return (
            f"{surface.workload}: keep what was recorded; none of these is shown to be faster for "
            "no more CPU."
        )
    best, recorded = surface.metrics(advised), surface.metrics(surface.recorded)
    return (
        f"{surface.workload}: {short(advised, _names(surface))} is the fastest for no more CPU "
        f"than was recorded: {said(best[LATENCY], 'ns')} instead of "
        f"{said(recorded[LATENCY], 'ns')}, for {said(best[BURNED], '1')} of a CPU instead of "
        f"{said(recorded[BURNED], '1')}."
    )


def _low(estimate: Estimate) -> float:
    return estimate.value if estimate.low is None else estimate.low


def _high(estimate: Estimate) -> float:
    return estimate.value if estimate.high is None else estimate.high


def _notes(run: Run, told: Sequence[Surface]) -> Iterator[str]:
    for closed in dict.fromkeys(each.closed for each in told):
        yield f"Assumed of arrivals: {LOOP[closed]}."
    yield (
        f"Another grid: `kvmlab simulate {run.name} --grid …`. Another goal: `kvmlab tune "
        f"{run.name} --budget-cpu 2%`. How well it predicts: `kvmlab validate {run.name}`."
    )
