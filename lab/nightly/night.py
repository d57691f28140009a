"""One night from its first step to its last; each is in the journal when it is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from lab import alerts
from lab.alerts import Alert, Book, Sink, State
from lab.detect import State as Finding
from lab.history.log import Log
from lab.nightly import again
from lab.nightly.judge import History
from lab.nightly.measure import Runs, Task
from lab.nightly.model import NIGHTS, Verdict
from lab.nightly.verdict import conclude
from lab.report.site import Site
from lab.store.folder import RunFolder, now
from lab.store.layout import Document

BEGUN = "begun"
ENDED = "ended"
REPORTED = "reported"
UNJUDGED: Document = {"series": 0, "suspicious": 0, "silent": 0, "reason": ""}


@dataclass(frozen=True)
class Night:
    """A night to be gone through, or to go on with."""

    runs: Runs
    sinks: Sequence[Sink]

    @property
    def name(self) -> str:
        return self.runs.journal.night

    def begin(self) -> datetime:
        """Return the instant at which the night began: now, if it had not."""
        return datetime.fromisoformat(self.runs.journal.once(BEGUN, lambda: {"at": now()})["at"])

    def go(self) -> Verdict:
        """Do what is left of the night: run, store, compare, confirm, alert, report.

        What the lab or a host could not do is in the verdict. Raises KeyboardInterrupt when it is
        interrupted, and StoreError when the store or the disk refuses: the next call goes on.
        """
        self.begin()
        paths = self.runs.config.experiments
        results = [self.runs.make(Task(path.stem, path, "night")) for path in paths]
        troubles = list(_troubles(results))
        self._trouble(troubles)
        judged, undecided = UNJUDGED, []
        if any(result["measured"] for result in results):
            once = self.runs.journal.once
            judged = once("judge", self._judged)
            repeated = [self.runs.make(task) for task in self._repetitions(results)]
            undecided = once("confirm", partial(self._confirmed, results, repeated))["undecided"]
            results += repeated
            troubles += _troubles(repeated)
        verdict = self._ended(results, judged, undecided, troubles)
        self.runs.journal.once(REPORTED, self._reported)
        return verdict

    @property
    def is_told(self) -> bool:
        """Whether there is a verdict: all that may be left to do is the report."""
        return ENDED in self.runs.journal

    def give_up(self) -> Verdict:
        """End a night that broke off too long ago; what it measured is kept."""
        self.begin()
        config = self.runs.config
        kept = [self.runs.keep(path.stem, "night") for path in config.experiments]
        troubles = [f"it broke off and was not resumed for {config.file.give_up_h:g} h"]
        self._trouble(troubles)
        return self._ended([each for each in kept if each], UNJUDGED, [], troubles)

    def _trouble(self, troubles: Sequence[str]) -> None:
        if troubles:
            alerts.trouble(self.runs.store, self.name, "; ".join(troubles))

    @property
    def _history(self) -> History:
        return History(self.runs.store, self.name, self.runs.config.file.criteria)

    def _judged(self) -> Document:
        """Compare with history; open, update and close alerts."""
        history = self._history
        judged = history.judge()
        changes = [
            history.change(key, finding)
            for key, finding in judged.found
            if finding.state is not Finding.SUSPICIOUS
        ]
        back = self.runs.config.file.alerts.nights_back
        alerts.update(self.runs.store, self.name, changes, history, back)
        return {
            "series": len(judged.judgements),
            "suspicious": len(judged.found) - len(changes),
            "silent": len(judged.silent),
            "reason": next(iter(judged.silent), "no metric that is watched was measured"),
        }

    def _open(self, results: Sequence[Document]) -> list[Alert]:
        """Return what these runs showed and nobody has been told of yet."""
        runs = {result["run"] for result in results}
        return [
            each
            for each in Book.read(self.runs.store).active
            if each.state is State.OPEN and any(change.run in runs for change in each.changes)
        ]

    def _repetitions(self, results: Sequence[Document]) -> Iterator[Task]:
        """Plan what is run again before anybody is told: one run for each experiment."""
        suspects = self.runs.journal.once("suspects", lambda: again.suspects(self._open(results)))
        config = self.runs.config
        for path, result in zip(config.experiments, results, strict=True):
            cells = suspects.get(path.stem, {})
            measured = [host for host, entry in result["hosts"].items() if host in cells]
            if not measured:
                continue
            boots = again.boots(RunFolder(self.runs.results / result["run"]))
            yield Task(
                name=f"{path.stem}-again",
                path=path,
                role="confirm",
                ask=partial(again.repetition, blocks=config.file.confirm.blocks),
                reduce=partial(again.reduced, cells=cells),
                prepare=partial(again.fresh_boot, config=config, earlier=boots),
            )

    def _confirmed(self, results: Sequence[Document], repeated: Sequence[Document]) -> Document:
        """Confirm or close what was run again; name the alerts of which that said nothing."""
        history = self._history
        ran = any(result["measured"] for result in repeated)
        found = dict(history.judge().found) if ran else {}
        undecided = []
        for alert in self._open(results):
            evidence = again.evidence(alert, found, history.repeated)
            if evidence is None:
                undecided.append(alert.id)
            else:
                stands, text = evidence
                alerts.confirm(self.runs.store, alert.id, self.name, stands=stands, evidence=text)
        return {"undecided": undecided}

    def _ended(
        self,
        results: Sequence[Document],
        judged: Document,
        undecided: Sequence[str],
        troubles: Sequence[str],
    ) -> Verdict:
        """Tell everybody, and put the verdict into the store."""
        store = self.runs.store
        outcomes = alerts.deliver(store, self.sinks, datetime.now(UTC))
        untold = [f"{each.sink}: {each.error}" for each in outcomes if each.error]
        active = Book.read(store).active
        verdict = conclude(self.name, results, judged, undecided, [*troubles, *untold], active)
        record = self.runs.journal.once(ENDED, verdict.record)
        began = self.begin().isoformat()
        criteria = self.runs.config.file.criteria.record()

        def decide(events: list[Document]) -> list[Document]:
            known = any(each["night"] == self.name and each["began"] == began for each in events)
            return [] if known else [{**record, "began": began, "criteria": criteria}]

        Log(store, f"{NIGHTS}/{self.runs.config.name}").append(decide)
        return Verdict.of(record)

    def _reported(self) -> Document:
        """Leave the store as pages, judged as tonight was."""
        config = self.runs.config
        return {"page": str(Site.of(self.runs.store, config.file.criteria).write(config.site))}


def _troubles(results: Sequence[Document]) -> Iterator[str]:
    for result in results:
        if result["trouble"]:
            yield result["trouble"]
        for host, entry in result["hosts"].items():
            if entry["state"] != "complete":
                yield f"{host}: {entry['state']}: {entry['error'] or 'it says no more'}"
