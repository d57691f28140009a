"""A QEMU process with a VM whose vCPUs stand still until they are let go."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import time
from typing import Any, Callable

from agent import arch, netns
from agent.errors import AgentError, MissingError
from agent.guest import DRAIN_EVERY_S
from agent.qmp import Qmp

# include/uapi/linux/prctl.h
PR_SET_PDEATHSIG = 1
# accel/kvm/kvm-all.c, kvm_cpu_exec(): what QEMU says when KVM gives up on a guest.
GAVE_UP = "KVM internal error"
TYPES_THAT_GROW = {"cumulative", "linear-histogram", "log2-histogram"}

_libc = ctypes.CDLL(None, use_errno=True)


def emulator() -> arch.Emulator:
    """Return how to start QEMU here; MissingError where it is not installed."""
    architecture = arch.of()
    found = architecture.EMULATOR if architecture else None
    if found is None or shutil.which(found.program) is None:
        name = found.program if found else "QEMU"
        raise MissingError(f"{name} is not installed on this host: install it there")
    return found


class Qemu:
    """One fresh VM of QEMU, paused; use it with `contextlib.closing`.

    It lives in `namespace`, a descriptor of a network namespace, and dies with the thread that
    made it, `kill -9` included. Raises MissingError where QEMU, or this host's KVM, makes no VM.
    """

    def __init__(self, name: str, options: list[str], vcpus: int, namespace: int) -> None:
        here = emulator()
        ours, theirs = socket.socketpair()
        self._qmp = Qmp(ours)
        with theirs, netns.inside(namespace):
            self._process = subprocess.Popen(
                [
                    here.program,
                    *("-name", f"guest={name},debug-threads=on"),
                    *("-S", "-accel", "kvm", "-smp", str(vcpus)),
                    *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
                    *("-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"),
                    *("-chardev", f"socket,id=qmp,fd={theirs.fileno()}"),
                    *("-mon", "chardev=qmp,mode=control"),
                    *here.options,
                    *options,
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                pass_fds=(theirs.fileno(),),
                preexec_fn=_die_with_parent,  # noqa: PLW1509  (the agent has one thread)
            )
        self._buffer = b""
        self._errors = b""
        self._last = ""
        try:
            self.version = self._qmp.greet()
            self._cpus = sorted(
                self._qmp.ask("query-cpus-fast"), key=lambda each: int(each["cpu-index"])
            )
        except AgentError as error:
            failure = self.failure(str(error))
            self.close()
            raise MissingError(f"QEMU starts no VM on this host: {failure}") from error
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def threads(self) -> list[int]:
        """The threads of the vCPUs, by index."""
        return [each["thread-id"] for each in self._cpus]

    def go_on(self) -> None:
        self._qmp.ask("cont")

    def pause(self) -> None:
        """Return when no vCPU runs: each has come back from KVM_RUN."""
        self._qmp.ask("stop")

    def statistics(self) -> dict[str, Any] | None:
        """Return KVM's statistics as `{"vm": {…}, "vcpu": [{…}]}`; None before QEMU 7.1."""
        try:
            vm, vcpus = (self._qmp.ask("query-stats", target=each) for each in ("vm", "vcpu"))
        except AgentError:
            return None
        by_path = {each["qom-path"]: _values(each) for each in vcpus}
        return {
            "vm": _values(vm[0]) if vm else {},
            "vcpu": [by_path.get(each["qom-path"], {}) for each in self._cpus],
        }

    def growing(self) -> set[str]:
        """Return names of the statistics that only ever grow."""
        return {
            each["name"]
            for schema in self._qmp.ask("query-stats-schemas")
            for each in schema["stats"]
            if each["type"] in TYPES_THAT_GROW
        }

    def write(self, line: str) -> None:
        """Type a line at the guest's console."""
        assert self._process.stdin  # noqa: S101  (it is a pipe)
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def answer(
        self, key: str, timeout_s: float, meanwhile: Callable[[], None] = lambda: None
    ) -> dict[str, Any]:
        """Wait for what the guest's init says under `key`; `meanwhile` is called now and then.

        Raises MissingError when this host's KVM cannot run the guest, AgentError with the guest's
        own words, or the console's last ones, when it does not come.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            line = self.line(DRAIN_EVERY_S)
            meanwhile()
            with contextlib.suppress(ValueError):
                said = json.loads(line or "")
                if isinstance(said, dict) and "failed" in said:
                    raise AgentError(f"the Linux guest failed: {said['failed']}")
                if isinstance(said, dict) and key in said:
                    found: dict[str, Any] = said[key]
                    return found
        raise self.failure(f"the guest did not come to say {key} in {timeout_s:g} s")

    def line(self, patience_s: float) -> str | None:
        """Return the console's next line; None when there is none in so many seconds.

        Raises MissingError when this host's KVM cannot run the guest, AgentError when QEMU ended.
        """
        assert self._process.stdout  # noqa: S101
        assert self._process.stderr  # noqa: S101
        pipes = [self._process.stdout.fileno(), self._process.stderr.fileno()]
        deadline = time.monotonic() + patience_s
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            readable, _, _ = select.select(pipes, [], [], max(left, 0))
            if pipes[1] in readable:
                self._errors += os.read(pipes[1], 1 << 16)
            if GAVE_UP in self._errors.decode(errors="replace"):
                raise self.failure("KVM gave up")
            if pipes[0] in readable:
                chunk = os.read(pipes[0], 1 << 16)
                if not chunk:
                    raise self.failure("the guest ended")
                self._buffer += chunk
            elif not readable:
                return None
        taken, _, self._buffer = self._buffer.partition(b"\n")
        line = taken.decode(errors="replace").strip()
        self._last = line or self._last
        return line

    def failure(self, sentence: str) -> AgentError:
        """End QEMU, and return the error with what it, or the guest's console, said last."""
        self._process.kill()
        _, errors = self._process.communicate()
        words = (self._errors + errors).decode(errors="replace").strip().splitlines()
        if any(GAVE_UP in each for each in words):
            return MissingError(
                f"this host's KVM cannot run a Linux guest: {words[0]} (QEMU's words)"
            )
        if words:
            return AgentError(f"{sentence}; QEMU said: {'; '.join(words[-2:])}")
        return AgentError(f"{sentence}; its console said: {self._last or 'nothing'}")

    def close(self) -> None:
        self._process.kill()
        with contextlib.suppress(OSError, ValueError):
            self._process.communicate()
        self._qmp.close()


def _die_with_parent() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _values(answer: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each["value"] for each in answer["stats"]}
