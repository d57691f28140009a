"""A store at any fsspec URL, whose documents are created whole and never change.

That one promise carries the rest. What cannot change can be cached by its name for ever; of two
writers of one name exactly one wins, on a local disk (link(2) refuses a name that exists) as on
S3 (PutObject with `If-None-Match: *`); and what is made of several documents is there when the
one that names them is, which is written last.

`store.json` gives the store its identity and says whether its nights were measured or made up.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import fsspec
from fsspec.implementations.local import LocalFileSystem

from lab.errors import StoreError, UsageError
from lab.paths import cache_root
from lab.store.folder import now, write_atomic
from lab.store.layout import SCHEMA, Document
from lab.store.read import checked

IDENTITY = "store.json"
Kind = Literal["measured", "synthetic"]


class TakenError(StoreError):
    """Another writer gave this name to something else first."""


@dataclass(frozen=True)
class Store:
    """An open store; `make` and `find` are the ways to get one.

    Keys are paths with slashes, relative to the store. `root` is the store's own path on its file
    system, `cache` the folder where what came from afar is kept. Every method raises StoreError
    with one sentence when the storage does not do what it is asked.
    """

    url: str
    filesystem: fsspec.AbstractFileSystem
    root: str
    kind: Kind
    cache: Path

    @classmethod
    def make(cls, url: str, kind: Kind = "measured", cache: Path | None = None) -> Store:
        """Open the store at `url`, a new one when there is none.

        Credentials and endpoints are those of the storage's own configuration (for S3 AWS_* and
        ~/.aws; for any ~/.config/fsspec). Raises UsageError for a URL that no installed file
        system serves, and for a store of the other kind: made-up nights and measured ones are
        never mixed.
        """
        filesystem, root = _locate(url)
        fresh = {"schema": SCHEMA, "id": uuid4().hex, "kind": kind, "created_at": now()}
        with _storage(_public(url)):
            if not filesystem.exists(f"{root}/{IDENTITY}"):
                # Whoever is first names it; all others read what it was named.
                _create(filesystem, f"{root}/{IDENTITY}", _encoded(fresh))
        store = cls.find(url, cache)
        if store.kind != kind:
            raise UsageError(
                f"{store.url} holds {store.kind} nights and these are {kind}: "
                "give them a store of their own"
            )
        return store

    @classmethod
    def find(cls, url: str, cache: Path | None = None) -> Store:
        """Open the store that is at `url`; UsageError when there is none."""
        filesystem, root = _locate(url)
        shown = _public(url)
        with _storage(shown):
            try:
                content = filesystem.cat_file(f"{root}/{IDENTITY}")
            except FileNotFoundError:
                content = None
        if content is None:
            raise UsageError(f"there is no store at {shown}: `kvmlab nightly` makes one")
        identity = checked(json.loads(content), f"{shown}/{IDENTITY}")
        folder = (cache or cache_root() / "stores") / identity["id"]
        return cls(shown, filesystem, root, identity["kind"], folder)

    def create(self, key: str, content: bytes) -> None:
        """Write `content` under `key`, durable on return; doing it again changes nothing.

        Raises TakenError when `key` has another content.
        """
        with _storage(self.url):
            created = _create(self.filesystem, self._at(key), content)
        if not created and self.read(key) != content:
            raise TakenError(f"{key} is in {self.url} already and differs: nothing is overwritten")

    def create_json(self, key: str, document: Document) -> None:
        """Write a document, stamped with the schema, as `create` does."""
        self.create(key, _encoded({"schema": SCHEMA, **document}))

    def read(self, key: str) -> bytes:
        (path,) = self.paths([key])
        return path.read_bytes()

    def read_json(self, key: str) -> Document:
        """Read one document; StoreError when it is no JSON or of another schema."""
        try:
            document = json.loads(self.read(key))
        except ValueError as error:
            raise StoreError(f"{self.url}: {key} is broken ({error}): restore it") from error
        return checked(document, f"{self.url}: {key}")

    def paths(self, keys: Iterable[str]) -> list[Path]:
        """Return a file for each key: the store's own where it is local, else a cached copy."""
        wanted = list(keys)
        if isinstance(self.filesystem, LocalFileSystem):
            files = [Path(self._at(key)) for key in wanted]
        else:
            files = [self.cache / "documents" / key for key in wanted]
            self._fill(dict(zip(wanted, files, strict=True)))
        for key, file in zip(wanted, files, strict=True):
            if not file.is_file():
                raise StoreError(f"{key} is not in {self.url}: restore it")
        return files

    def keys(self, prefix: str) -> list[str]:
        """Return every key below the folder `prefix`, sorted; a key that is made now is not."""
        with _storage(self.url):
            found = self.filesystem.find(self._at(prefix), detail=True)
        # s3fs answers with the folder itself where its first document is made meanwhile.
        files = (str(path) for path, info in found.items() if info["type"] == "file")
        names = (path.removeprefix(self.root).strip("/") for path in files)
        return sorted(name for name in names if not _is_hidden(name))

    def _at(self, key: str) -> str:
        return f"{self.root}/{key}"

    def _fill(self, files: dict[str, Path]) -> None:
        lacking = {self._at(key): file for key, file in files.items() if not file.is_file()}
        if not lacking:
            return
        with _storage(self.url):
            # All at once: a storage afar answers many requests in the time of one.
            contents = self.filesystem.cat(list(lacking), on_error="omit")
        for at, content in contents.items():
            file = lacking[self.filesystem._strip_protocol(at)]  # noqa: SLF001  (as fsspec's own)
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(file, content)


def _locate(url: str) -> tuple[fsspec.AbstractFileSystem, str]:
    try:
        # Others write here, too: what was listed before is not the truth any more.
        filesystem, root = fsspec.core.url_to_fs(url, use_listings_cache=False)
    except (ImportError, ValueError) as error:
        raise UsageError(f"{_public(url)} is no store the lab can open: {error}") from error
    return filesystem, str(root).rstrip("/")


def _create(filesystem: fsspec.AbstractFileSystem, path: str, content: bytes) -> bool:
    """Give `content` the name `path` unless something has it; tell whether it did."""
    if isinstance(filesystem, LocalFileSystem):
        return _link(Path(path), content)
    try:
        filesystem.pipe_file(path, content, mode="create")
    except FileExistsError:
        return False
    return True


def _link(path: Path, content: bytes) -> bool:
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    write_atomic(written, content)
    try:
        os.link(written, path)
    except FileExistsError:
        return False
    finally:
        written.unlink()
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return True


@contextmanager
def _storage(url: str) -> Iterator[None]:
    """Turn what a storage raises into one sentence."""
    try:
        yield
    except StoreError:
        raise
    # Every storage has exceptions of its own, most of them not derived from OSError.
    except Exception as error:
        said = str(error) or type(error).__name__
        raise StoreError(
            f"the store {url} does not answer as it should ({said}): see that it can be "
            "reached, and that its credentials are set"
        ) from error


def _public(url: str) -> str:
    """Return the URL without what might be a password."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def _encoded(document: Document) -> bytes:
    return json.dumps(document, indent=1, sort_keys=True).encode() + b"\n"
