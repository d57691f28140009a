"""What a Linux guest boots: the lab's init, or what somebody brings.

Both give QEMU its `options`, wait until the guest is `ready`, and return its `last_words`.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from agent import echo, guest, initramfs
from agent.errors import MissingError, UnsupportedError
from agent.files import write_atomic
from agent.linux import ROOT, kernel, parameters, release, there
from agent.network import DEVICE, GUEST_MAC, Network
from agent.qemu import Qemu, emulator

INIT = guest.SHIPPED / "linux"
# The port of both, RFC 862's (linux/echo.c).
PORT = 7
# What a workload has of its own to boot; without them the lab's init runs.
BROUGHT = ("initramfs", "image")
# For what a guest that has done all has to say; on an emulated host a number takes milliseconds.
LAST_WORDS_S = 120.0
LAST_NUMBER_S = 0.01


class Shipped:
    """The lab's init, in an initramfs with the modules it wants of the kernel's release."""

    def __init__(
        self, plan: dict[str, Any], arguments: list[str], modules: tuple[str, ...], home: Path
    ) -> None:
        workload = plan["workload"]
        self._patience_s = LAST_WORDS_S + workload["count"] * LAST_NUMBER_S
        image = kernel(workload["kernel"])
        folder = ROOT / "lib/modules" / release(image)
        archive = home / "build" / guest.SHIPPED.name / "initramfs"
        write_atomic(archive, initramfs.build(_init(home), folder, modules))
        command_line = _command_line(plan, "quiet", "ipv6.disable=1", after=["--", *arguments])
        self.options = ["-kernel", str(image), "-initrd", str(archive), "-append", command_line]

    def ready(self, qemu: Qemu, timeout_s: float) -> dict[str, Any]:
        """Return what the guest says it is once it serves; AgentError when it does not come."""
        return qemu.answer("ready", timeout_s)

    def last_words(self, qemu: Qemu) -> dict[str, Any]:
        """Let the guest say what it saw, and switch itself off."""
        qemu.write("end")
        return qemu.answer("result", self._patience_s)


class Brought:
    """A disk, or a kernel and an initramfs, of which the lab knows that it answers, and no more.

    Its disk is never written to: QEMU keeps what the guest writes in a file of its own.
    """

    def __init__(self, plan: dict[str, Any], network: Network) -> None:
        workload = plan["workload"]
        self._protocol = workload["protocol"]
        self._namespace = network.ends[0].namespace
        self.options: list[str] = []
        if workload["kernel"] or workload["initramfs"]:
            self.options += ["-kernel", str(kernel(workload["kernel"]))]
            self.options += ["-append", _command_line(plan)]
        elif not emulator().boots_disks:
            raise MissingError(
                f"{emulator().program} has no firmware that boots the image: name the kernel in it "
                "with the workload's key kernel"
            )
        if workload["initramfs"]:
            self.options += ["-initrd", str(there(workload["initramfs"]))]
        if workload["image"]:
            disk = f"file={there(workload['image'])},if=virtio,snapshot=on"
            self.options += ["-drive", disk]

    def ready(self, qemu: Qemu, timeout_s: float) -> dict[str, Any]:
        """Wait until the guest answers; AgentError when it does not come."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if echo.answers(DEVICE, PORT, self._protocol, self._namespace):
                return {}
            while qemu.line(0) is not None:
                pass
        raise qemu.failure(
            f"the guest answered nothing over {self._protocol.upper()} at {DEVICE} port {PORT} in "
            f"{timeout_s:g} s: its virtio card, {GUEST_MAC}, needs that address, and an echo "
            "service (RFC 862) must listen there"
        )

    def last_words(self, qemu: Qemu) -> dict[str, Any]:
        """Return nothing: it knows of no trial, and ends with QEMU."""
        del qemu
        return {}


def _command_line(plan: dict[str, Any], *more: str, after: list[str] | None = None) -> str:
    words = [f"console={emulator().console}", "panic=-1", *more, *parameters(plan["setting"])]
    if given := plan["workload"]["cmdline"]:
        words.append(given)
    return " ".join(words + (after or []))


def _init(home: Path) -> bytes:
    try:
        return guest.build(home, INIT, "init").read_bytes()
    except UnsupportedError as error:
        raise MissingError(str(error)) from error
