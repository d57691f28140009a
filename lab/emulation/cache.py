"""The lab's cache: what is costly to build is built once for a recipe, and found by its hash.

<cache>/<kind>/<hash>/            the finished thing, with recipe.json beside it
<cache>/<kind>/<hash>.partial/    being built; a leftover of a killed build is cleared by the next
<cache>/<kind>/<hash>.lock        held while building
<cache>/<kind>/<hash>.log         what the tools said
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lab.errors import FleetError
from lab.paths import cache_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

RECIPE = "recipe.json"


def digest(recipe: Mapping[str, object]) -> str:
    """Return the name of what `recipe` makes; the order of its keys is of no matter."""
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:20]


def place(kind: str, recipe: Mapping[str, object]) -> Path:
    return cache_root() / kind / digest(recipe)


@contextmanager
def locked(path: Path, *, wait: bool = True, refusal: str = "") -> Iterator[None]:
    """Hold the lock file `path`; the kernel lets go of it whatever ends the process.

    Raises FleetError with `refusal` when it is held elsewhere and `wait` is false.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise FleetError(refusal) from None
        yield


def obtain(
    kind: str,
    recipe: Mapping[str, object],
    build: Callable[[Path, Path], None],
    *,
    fresh: bool = False,
) -> Path:
    """Return the directory `recipe` makes, calling `build(directory, log)` only if it must be made.

    The directory appears complete or not at all. Raises FleetError on a full disk.
    """
    home = place(kind, recipe)
    with locked(home.with_suffix(".lock")):
        if (home / RECIPE).exists() and not fresh:
            (home / RECIPE).touch()
            return home
        partial = home.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        log = home.with_suffix(".log")
        log.unlink(missing_ok=True)
        try:
            build(partial, log)
            (partial / RECIPE).write_text(json.dumps(recipe, indent=1, sort_keys=True) + "\n")
        except OSError as error:
            shutil.rmtree(partial, ignore_errors=True)
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise disk_full(home) from error
            raise FleetError(f"{kind} could not be built in {home.parent}: {error}.") from error
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        shutil.rmtree(home, ignore_errors=True)
        partial.rename(home)
    return home


def find(kind: str, recipe: Mapping[str, object]) -> Path | None:
    """Return what `recipe` made if it is there; it counts as asked for."""
    home = place(kind, recipe)
    with suppress(FileNotFoundError):
        os.utime(home / RECIPE)
        return home
    return None


def discard(kind: str, recipe: Mapping[str, object]) -> None:
    """Remove what `recipe` made, if it is there."""
    home = place(kind, recipe)
    with locked(home.with_suffix(".lock")):
        shutil.rmtree(home, ignore_errors=True)


def prune(kind: str, days: int) -> list[Path]:
    """Remove what nothing asked for in `days`; return what went. A running host keeps its files."""
    oldest = time.time() - days * 86400
    gone = []
    for mark in (cache_root() / kind).glob(f"*/{RECIPE}"):
        with locked(mark.parent.with_suffix(".lock")):
            if mark.exists() and mark.stat().st_mtime < oldest:
                shutil.rmtree(mark.parent, ignore_errors=True)
                gone.append(mark.parent)
    return gone


def disk_full(where: Path) -> FleetError:
    return FleetError(
        f"The disk with the cache {where} is full:"
        " make room there, or point XDG_CACHE_HOME at a larger disk."
    )
