"""Run the tools of the system, and turn what they say into one sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from lab.emulation.cache import disk_full
from lab.errors import FleetError, NothingToRunError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

# A distribution keeps depmod and mkfs where a plain user's PATH does not look.
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
# apt looks before it downloads, and says it in its own words.
NO_SPACE = ("No space left on device", "enough free space")
# What goes wrong afterwards follows from it: the last line says only that the tool gave up.
ERRORS = ("E: ", "error: ")


def require(programs: Iterable[str], purpose: str) -> None:
    """Raise NothingToRunError unless all `programs` are installed."""
    missing = [name for name in programs if shutil.which(name, path=_PATH) is None]
    if missing:
        raise NothingToRunError(
            f"{purpose} needs {', '.join(missing)}, not installed here:"
            " `make fleet` installs it, or see playbooks/roles/packages/vars/Debian.yml."
        )


def require_root(purpose: str) -> None:
    if os.geteuid() != 0:
        raise NothingToRunError(
            f"{purpose} needs root, for private namespaces and file owners: run it with sudo."
        )


def found(program: str) -> str:
    return shutil.which(program, path=_PATH) or program


def run(
    command: Sequence[str],
    *,
    what: str,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run `command` with its words going to the end of `log`; return its standard output.

    Raises FleetError with `what` failed, the tool's first error, and where the rest is.
    """
    environment = {**os.environ, "PATH": _PATH, "LC_ALL": "C", **(env or {})}
    with log.open("a") as sink:
        sink.write(f"$ {' '.join(command)}\n")
        sink.flush()
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=sink,
            cwd=cwd,
            env=environment,
            text=True,
            check=False,
        )
    said = log.read_text(errors="replace")
    with log.open("a") as sink:
        sink.write(done.stdout)
    if done.returncode:
        lines = [line for line in said.splitlines() if line.strip()]
        if any(told in line for line in lines for told in NO_SPACE):
            raise disk_full(log.parent)
        reason = next((line for line in lines if line.startswith(ERRORS)), lines[-1])
        raise FleetError(f"{what} failed: {reason.strip()} (see {log}).")
    return done.stdout
