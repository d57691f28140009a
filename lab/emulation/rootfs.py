"""A host's root file system: Debian packages, set up by their own scripts, as one tar file."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lab.emulation import userns
from lab.emulation.cache import obtain
from lab.emulation.commands import found, require, require_root, run
from lab.emulation.debian import source_line
from lab.emulation.packages import host_packages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lab.emulation.machine import Machine

FORMAT = 1
TAR = "root.tar"
_OPTIONS = (
    "--mode=root",
    "--variant=minbase",
    '--aptopt=Apt::Install-Recommends "false"',
    *(
        f"--dpkgopt=path-exclude=/usr/share/{folder}/*"
        for folder in ("doc", "man", "locale", "info", "lintian")
    ),
)


def rootfs_recipe(machine: Machine, suite: str, packages: Iterable[str] = ()) -> dict[str, object]:
    """Return what makes a root file system; `packages` are beside those every host has."""
    return {
        "format": FORMAT,
        "architecture": machine.debian,
        "suite": suite,
        "packages": sorted(host_packages().union(packages)),
        "options": list(_OPTIONS),
    }


def obtain_rootfs(
    machine: Machine, suite: str, packages: Iterable[str], *, fresh: bool = False
) -> Path:
    """Return the tar file of the root file system, made by mmdebstrap if it must be.

    Raises NothingToRunError without root or a tool, FleetError when mmdebstrap fails.
    """
    wanted = host_packages().union(packages)

    def build(into: Path, log: Path) -> None:
        require_root("Building a root file system")
        require(["mmdebstrap", "arch-test"], "Building a root file system")
        registrations = []
        if not machine.native:
            require([machine.user_emulator], f"Building a {machine.architecture} host")
            interpreter = found(machine.user_emulator)
            registrations = [machine.elf.registration(machine.user_emulator, interpreter)]
        scratch = into / "tmp"
        scratch.mkdir()
        # Made by a user of another id inside the namespace: apt's sandbox must reach it.
        scratch.chmod(0o755)
        run(
            [
                *("nice", "-n", "19"),
                *(sys.executable, userns.__file__, json.dumps(registrations)),
                "mmdebstrap",
                *_OPTIONS,
                f"--architectures={machine.debian}",
                f"--include={','.join(sorted(wanted))}",
                suite,
                str(into / TAR),
                source_line(suite),
            ],
            what=f"Building the {suite} root file system for {machine.architecture}",
            log=log,
            env={"TMPDIR": str(scratch)}
            | ({"QEMU_CPU": machine.user_cpu} if machine.user_cpu else {}),
        )
        shutil.rmtree(scratch)

    return obtain("rootfs", rootfs_recipe(machine, suite, packages), build, fresh=fresh) / TAR
