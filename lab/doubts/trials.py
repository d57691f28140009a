"""Doubts about what the trials measured, from their rows alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from lab import crosscheck
from lab.doubts.model import Found, Grade, Rows, by_share, measured, trials
from lab.labels import setting_label
from lab.store.layout import Document
from lab.store.read import Run

COUNTER_TOLERANCE = 1e-3


def unmeasured(run: Run, host: str, rows: Rows) -> Iterator[Found]:
    reasons = defaultdict(list)
    for row in rows:
        if row["status"] != "ok":
            reasons[row["status"], row.get("reason") or "no reason was given"].append(row)
    for (status, reason), group in reasons.items():
        settings = ", ".join(dict.fromkeys(setting_label(row["setting"]) for row in group))
        failed = status == "failed"
        yield Found(
            by_share(group, rows) if failed else Grade.DOUBT,
            f"{trials(group)} {status} ({settings}): {reason}",
            f"see `kvmlab show {run.name}` and agent.log on {host}; mend the cause and run again"
            if failed
            else "leave the knob out for this host: `kvmlab doctor` says what acts there",
        )


def not_effective(_run: Run, _host: str, rows: Rows) -> Iterator[Found]:
    other = [
        row
        for row in measured(rows)
        for knob, value in row["setting"].items()
        if (row.get("effective") or {}).get(knob) not in {None, value}
    ]
    if other:
        yield Found(
            Grade.DISTRUST,
            f"{trials(other)} read back another value than was set, first trial "
            f"{other[0]['trial']}: {setting_label(other[0]['effective'])}",
            "end what else sets the knob (tuned, a management daemon), and run again",
        )


def lost(_run: Run, _host: str, rows: Rows) -> Iterator[Found]:
    losing = [row for row in rows if (row.get("haltpoll") or {}).get("lost")]
    if losing:
        number = sum(row["haltpoll"]["lost"] for row in losing)
        yield Found(
            Grade.DOUBT,
            f"{number} streamed events were lost in {trials(losing)}: counts and sums are whole, "
            "the list of halts is not",
            "leave the agent a CPU of its own, or lower the workload's `count`",
        )
    dropping = [row for row in rows if (row.get("phases") or {}).get("dropped")]
    if dropping:
        number = sum(row["phases"]["dropped"] for row in dropping)
        yield Found(
            by_share(dropping, rows),
            f"{number} transitions of vCPUs found no room in {trials(dropping)}: phases and "
            "exits lack them",
            "end other VMs on the host: their threads fill the probes' maps",
        )


def cross_checked(_run: Run, _host: str, rows: Rows) -> Iterator[Found]:
    counted = [row for row in rows if not row["warmup"]]
    found = (each for row in counted for each in crosscheck.differences(row))
    for meaning, group in crosscheck.notable(found).items():
        # Events that one side lacks are wrong counts; times that differ are times cut elsewhere.
        events = {each.trial for each in group if each.quantity.unit == "events"}
        yield Found(
            Grade.DISTRUST if len(events) > len(counted) / 4 else Grade.DOUBT,
            crosscheck.sentence(meaning, group),
            "leave the vCPU's CPU to it alone (kvmlab_tuning: {isolation: on}), and run again",
        )


def cut_short(_run: Run, _host: str, rows: Rows) -> Iterator[Found]:
    counted = measured(rows)
    short = [
        row
        for row in counted
        if row["guest"]["completed"] < row["guest"]["count"] and not _unanswered(row)
    ]
    if short:
        yield Found(
            by_share(short, counted),
            f"the guest stopped before its last sample in {trials(short)}",
            "raise trial_timeout_s, or lower the workload's `count`",
        )


def lost_requests(_run: Run, _host: str, rows: Rows) -> Iterator[Found]:
    counted = measured(rows)
    losing = [row for row in counted if _unanswered(row)]
    if losing:
        sent = sum(row["guest"]["requests"]["sent"] for row in losing)
        yield Found(
            by_share(losing, counted),
            f"{sum(map(_unanswered, losing))} of {sent} requests had no reply in "
            f"{trials(losing)}: they are no part of any round trip, so tails are longer than "
            "they look",
            "lengthen the interval if they come faster than they are served; a `link` with loss "
            "means to lose them",
        )


def _unanswered(row: Document) -> int:
    return int(row["guest"].get("requests", {}).get("lost", 0))


def counter(_run: Run, _host: str, rows: Rows) -> Iterator[Found]:
    def off(row: Document) -> float:
        """Give the deviation from the nominal rate, as far as measuring it can be trusted."""
        counter = row["guest"].get("counter") or {}
        nominal, real = counter.get("nominal_hz"), counter.get("calibrated_hz")
        deviation = abs(real / nominal - 1) if nominal and real else 0.0
        return deviation if deviation > counter.get("error_bound", 0.0) else 0.0

    strange = [row for row in measured(rows) if off(row) > COUNTER_TOLERANCE]
    if strange:
        most = max(map(off, strange))
        yield Found(
            by_share(strange, measured(rows)),
            f"the guest's counter ran {100 * most:.2g} % off the rate KVM states in "
            f"{trials(strange)}, beyond what the measurement's own error explains",
            "see to the host's clock (clocksource, time synchronisation), and run again",
        )


def overhead(_run: Run, _host: str, rows: Rows) -> Iterator[Found]:
    if rows and all(row.get("probes", True) for row in rows):
        yield Found(
            Grade.DOUBT,
            "what the probes themselves cost was not measured and is part of every value",
            "set overhead = true in the experiment",
        )
