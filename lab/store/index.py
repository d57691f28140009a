"""A disposable Parquet copy of each run's tidy table, and SQL over all of them.

`<store>/.index/<run>.parquet` carries a stamp: the SHA-256 of the files it was made
from and of the code that made it. Another stamp, or a file that cannot be read, means
that it is built again; the rows are what counts.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from functools import cache
from itertools import chain
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lab import table
from lab.errors import StoreError, UsageError
from lab.paths import RESULTS
from lab.store.folder import write_atomic
from lab.store.layout import INDEX, MANIFEST, rows_file
from lab.store.read import read_manifest, read_run, runs

STAMP = b"kvmlab"


def query(sql: str, store: Path = RESULTS) -> pd.DataFrame:
    """Run SQL on the view `trials`: the tidy tables of all runs of a store, one below the other.

    Raises UsageError for SQL that DuckDB refuses, StoreError for a store without runs, one
    that cannot hold the index, and a run that cannot be read.
    """
    files = [str(_kept(run, store)) for run in runs(store)]
    if not files:
        raise StoreError(f"no runs in {store}: `kvmlab run` makes one")
    with duckdb.connect() as database:
        database.read_parquet(files, union_by_name=True).create_view("trials")
        try:
            answer: pd.DataFrame = database.sql(sql).df()
        except duckdb.Error as error:
            raise UsageError(f"DuckDB refused the query: {error}") from error
    return answer


def cached(run: Path, store: Path) -> pd.DataFrame:
    """Tidy table of a run, from the index when that is fresh; else built, and kept if it can be."""
    file, stamp = _file(run, store), _stamp(run)
    if is_fresh(file, stamp):
        kept: pd.DataFrame = pq.read_table(file).to_pandas()
        return kept
    built = table.tidy(read_run(run))
    # A store on a full or read-only disk is still a store.
    with suppress(StoreError):
        write(built, file, stamp)
    return built


def _kept(run: Path, store: Path) -> Path:
    """Make sure that a run is in the index; StoreError when it cannot be."""
    file, stamp = _file(run, store), _stamp(run)
    if not is_fresh(file, stamp):
        write(table.tidy(read_run(run)), file, stamp)
    return file


def _file(run: Path, store: Path) -> Path:
    name = run.name
    if run.parent != store.resolve():
        name += "-" + hashlib.sha256(str(run).encode()).hexdigest()[:8]
    return store / INDEX / f"{name}.parquet"


def _stamp(run: Path) -> bytes:
    sources = [run / MANIFEST, *(rows_file(run, host) for host in read_manifest(run)["hosts"])]
    digests = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sources
        if path.is_file()
    }
    return json.dumps({"code": code(), "files": digests}, sort_keys=True).encode()


@cache
def code(*more: str) -> str:
    """Digest what the table's meaning depends on: a changed definition makes every copy stale.

    `more` names further folders of the lab that make what is kept.
    """
    lab = Path(table.__file__).parent
    folders = [sorted(lab.glob(f"{name}/*.py")) for name in ("metrics", "trial", *more)]
    sources = [lab / "labels.py", lab / "table.py", *chain.from_iterable(folders)]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def is_fresh(file: Path, stamp: bytes) -> bool:
    """Tell whether `file` is a whole copy made under this stamp."""
    try:
        metadata = pq.read_schema(file).metadata
    except (OSError, pa.ArrowInvalid):
        return False
    return metadata is not None and metadata.get(STAMP) == stamp


def write(frame: pd.DataFrame, file: Path, stamp: bytes) -> None:
    """Keep a table under a stamp; StoreError when the disk refuses."""
    parquet = pa.Table.from_pandas(frame, preserve_index=False)
    parquet = parquet.replace_schema_metadata({**parquet.schema.metadata, STAMP: stamp})
    buffer = pa.BufferOutputStream()
    pq.write_table(parquet, buffer)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{file.parent} cannot be made ({error.strerror}): the index needs a writable store"
        ) from error
    write_atomic(file, buffer.getvalue().to_pybytes())
