"""Which night it is: one that broke off, one that has ended, or a new one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from lab.history.store import Store
from lab.nightly.config import Config
from lab.nightly.journal import Journal, Journals
from lab.nightly.measure import Runs, Show
from lab.nightly.model import Verdict
from lab.nightly.night import ENDED, Night
from lab.report.site import ready


def run(config: Config, results: Path, tonight: date, show: Show) -> Verdict:
    """Go through the night of the date `tonight`, or on with an earlier one that broke off.

    A night that has ended is not begun again, unless it measured nothing: its verdict is returned.
    Nights that broke off too long ago are ended first, and reported.
    Raises UsageError for a configuration that cannot be used and while another night is under way;
    StoreError and KeyboardInterrupt as `Night.go` does.
    """
    journals = Journals(config.state)
    with journals.held():
        # A night that could not leave its pages would be gone through in vain.
        ready(config.site)
        sinks = config.file.alerts.make(config.folder)
        store = Store.make(config.store, config.file.kind)

        def night(journal: Journal) -> Night:
            return Night(Runs(config, store, results, journal, show), sinks)

        for journal in journals.unfinished():
            left = night(journal)
            age = datetime.now(UTC) - left.begin()
            if left.name == tonight.isoformat() or age < timedelta(hours=config.file.give_up_h):
                return _to_its_end(left, journals)
            if not left.is_told:
                left.give_up()
            journals.end(journal)
        ended = journals.ended(tonight.isoformat())
        if ended and (verdict := Verdict.of(ended[ENDED])).runs:
            return verdict
        return _to_its_end(night(journals.begin(tonight.isoformat())), journals)


def _to_its_end(night: Night, journals: Journals) -> Verdict:
    verdict = night.go()
    journals.end(night.runs.journal)
    return verdict
