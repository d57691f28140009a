"""What happened, in order: batches of events that are only ever added, by any number of writers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import uuid4

from lab.errors import StoreError
from lab.history.store import Store, TakenError
from lab.store.folder import now
from lab.store.layout import Document


@dataclass(frozen=True)
class Log:
    """The events below `<store>/<name>/`, one document for each batch, numbered from 0."""

    store: Store
    name: str

    def events(self) -> list[Document]:
        """Return all events, oldest first, each with the instant `at` of its batch.

        Raises StoreError when one is missing.
        """
        return _flat(self._batches())

    def append(self, decide: Callable[[list[Document]], Sequence[Document]]) -> list[Document]:
        """Add what `decide` makes of all events so far, in one piece, and return it.

        When another writer was faster, `decide` is asked again with what that one wrote: so it
        must do nothing else. An empty answer adds nothing.
        """
        batches = self._batches()
        while True:
            fresh = list(decide(_flat(batches)))
            if not fresh:
                return []
            # Without a mark of its own an equal batch of another writer would pass for this one.
            batch = {"batch": uuid4().hex, "at": now(), "events": fresh}
            try:
                self.store.create_json(self._key(len(batches)), batch)
            except TakenError:
                batches = self._batches()
            else:
                return _flat([batch])

    def _batches(self) -> list[Document]:
        keys = self.store.keys(self.name)
        for number, key in enumerate(keys):
            if key != self._key(number):
                raise StoreError(f"{self._key(number)} is not in {self.store.url}: restore it")
        self.store.paths(keys)
        return [self.store.read_json(key) for key in keys]

    def _key(self, number: int) -> str:
        return f"{self.name}/{number:08d}.json"


def _flat(batches: Sequence[Document]) -> list[Document]:
    return [{"at": batch["at"], **event} for batch in batches for event in batch["events"]]
