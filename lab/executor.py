"""Where heavy analysis runs: the one seam, `concurrent.futures.Executor`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import get_context
from typing import Any

from lab.errors import UsageError

SCHEME = "dask://"
CONNECT_S = 10


@contextmanager
def open_executor(url: str | None = None) -> Iterator[Executor]:
    """Open what `url` names, and close it at the end of the context.

    None is processes, as many as this process may use CPUs; none is started before there is work.
    `dask://host:port` is the scheduler of a Dask cluster whose workers have kvmlab installed.
    Raises UsageError for another URL, for a scheduler that does not answer, and where Dask is not
    installed.
    """
    if url is None:
        workers = len(os.sched_getaffinity(0))
        # A forked child would share the locks of this process's threads.
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield pool
        return
    if not url.startswith(SCHEME):
        raise UsageError(f"no executor {url!r}: give {SCHEME}host:port, or nothing for processes")
    with _dask(url) as pool:
        yield pool


@contextmanager
def _dask(url: str) -> Iterator[Executor]:
    try:
        distributed: Any = import_module("distributed")  # an optional extra
    except ImportError as error:
        raise UsageError(f"{url} needs Dask: pip install 'kvmlab[dask]'") from error
    try:
        client = distributed.Client(f"tcp://{url.removeprefix(SCHEME)}", timeout=CONNECT_S)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"no Dask scheduler answers at {url}: start one, or mend the address"
        ) from error
    with client, client.get_executor() as pool:
        yield pool
