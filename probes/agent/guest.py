"""Build the tiny guest's VMM on this host and run one VM with it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import time
from pathlib import Path
from typing import Any, Callable

from agent.errors import AgentError, MissingError, UnsupportedError

# The folder as it was shipped: whoever ships it names it after its content's hash.
SHIPPED = Path(__file__).resolve().parent.parent
SOURCES = SHIPPED / "guest"
BINARY = "kvmlab-guest"

# Readings of the probe's ring buffer during a long trial: seldom, so that they disturb little.
DRAIN_EVERY_S = 1.0
# Seconds on hardware, many minutes where an emulator has other guests to serve.
BUILD_S = 1800
# What the VMM ends with (guest/fail.h).
LACKING, NOTHING_RAN = 4, 77


def build(home: Path, sources: Path = SOURCES, name: str = BINARY) -> Path:
    """Build a program, the VMM unless another is named, below `home`, once for these sources.

    Return its path. Raises UnsupportedError when there is no compiler or it fails here.
    """
    folder = home / "build" / SHIPPED.name
    binary = folder / name
    if binary.exists():
        return binary
    folder.mkdir(parents=True, exist_ok=True)
    try:
        made = subprocess.run(
            ["make", "-s", "-C", str(sources), f"OUT={folder}"],
            capture_output=True,
            text=True,
            check=False,
            timeout=BUILD_S,
        )
    except subprocess.TimeoutExpired as error:
        raise UnsupportedError(
            f"the guest was not built in {BUILD_S} s: leave the host alone and resume the run, "
            "which goes on with what is built"
        ) from error
    except FileNotFoundError as error:
        raise UnsupportedError(
            "make is not installed, and the guest is built on the host: provision this host"
        ) from error
    if made.returncode or not binary.exists():
        words = (made.stderr.strip().splitlines() or ["make said nothing"])[0]
        raise UnsupportedError(f"the guest cannot be built on this host: {words}")
    return binary


def describe(binary: Path) -> dict[str, Any]:
    """Return what the VMM says of this architecture and KVM; UnsupportedError without KVM."""
    answer = subprocess.run(
        [str(binary), "--describe"], capture_output=True, text=True, check=False, timeout=30
    )
    if answer.returncode:
        raise UnsupportedError(answer.stderr.strip() or "the VMM cannot describe this host")
    description: dict[str, Any] = json.loads(answer.stdout)
    return description


class Vm:
    """One fresh VM, ready and waiting for `go`; use it with `contextlib.closing`.

    `descriptors` are those of this process that the VMM is to have as well.
    """

    def __init__(
        self,
        binary: Path,
        options: list[str],
        timeout_s: float,
        descriptors: tuple[int, ...] = (),
    ) -> None:
        # The VMM ends itself at its time-out; the deadline is for one that cannot.
        self._deadline = time.monotonic() + timeout_s + 10
        self._process = subprocess.Popen(
            [str(binary), *options, "--timeout", str(int(timeout_s))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=descriptors,
        )
        self._buffer = b""
        try:
            self.ready: dict[str, Any] = self._answer("ready", lambda: None)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the VM, whatever state it is in."""
        self._process.kill()
        with contextlib.suppress(OSError):
            self._process.communicate()

    def boot(self) -> bool:
        """Return whether the guest has run already: this one is ready as it is made."""
        return False

    def rest(self) -> dict[str, Any]:
        """Return what the guest has to say once no probe watches it: this one has said all."""
        return {}

    def run(self, meanwhile: Callable[[], None]) -> dict[str, Any]:
        """Let the guest go and return its result; `meanwhile` is called about once a second.

        Raises AgentError with the VMM's own sentence when it fails.
        """
        self.go()
        return self.result(meanwhile)

    def go(self) -> None:
        """Let the guest go; AgentError with the VMM's own sentence when it has ended already."""
        assert self._process.stdin  # noqa: S101  (it is a pipe)
        try:
            self._process.stdin.write(b"go\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise self._failure() from error

    def result(self, meanwhile: Callable[[], None]) -> dict[str, Any]:
        """Wait for what the guest that runs has to say, as `run` does."""
        return self._answer("result", meanwhile)

    def _answer(self, key: str, meanwhile: Callable[[], None]) -> dict[str, Any]:
        assert self._process.stdout  # noqa: S101
        descriptor = self._process.stdout.fileno()
        while b"\n" not in self._buffer:
            readable, _, _ = select.select([descriptor], [], [], DRAIN_EVERY_S)
            if not readable:
                meanwhile()
                if time.monotonic() > self._deadline:
                    raise AgentError("the VMM did not answer in time and was killed")
                continue
            chunk = os.read(descriptor, 1 << 20)
            if not chunk:
                raise self._failure()
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)[key]
        return answer

    def _failure(self) -> AgentError:
        _, errors = self._process.communicate()
        words = errors.decode(errors="replace").strip().splitlines()
        sentence = words[-1] if words else f"the VMM ended with status {self._process.returncode}"
        kind = {LACKING: MissingError, NOTHING_RAN: UnsupportedError}
        return kind.get(self._process.returncode, AgentError)(sentence)
