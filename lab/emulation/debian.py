"""Debian's archive, as this machine's own apt is set up to reach it.

A private apt (own lists, own empty package database) answers for any suite and architecture, so
the machine's apt is asked only for its mirror and never changed.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab.emulation.cache import locked
from lab.emulation.commands import require, run
from lab.errors import FleetError
from lab.paths import cache_root

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# Of a kernel package's dependencies, only those built from the kernel's own source matter here.
_KERNEL_SOURCE = re.compile(r"linux(-signed-\w+)?$")


def mirror() -> str:
    """Return the Debian mirror of this machine's apt; KVMLAB_DEBIAN_MIRROR overrides.

    Raises FleetError when apt has none.
    """
    if chosen := os.environ.get("KVMLAB_DEBIAN_MIRROR"):
        return chosen
    require(["apt-get"], "Building a host")
    targets = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)|$(LABEL)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
    )
    for line in targets.stdout.splitlines():
        uri, _, label = line.partition("|")
        if label == "Debian":
            return uri.rstrip("/")
    raise FleetError(
        "This machine's apt knows no Debian mirror: run apt-get update once,"
        " or name a mirror in KVMLAB_DEBIAN_MIRROR."
    )


def source_line(suite: str) -> str:
    return f"deb [signed-by={KEYRING}] {mirror()} {suite} main"


@dataclass(frozen=True, slots=True)
class Archive:
    """One suite for one of Debian's architectures."""

    suite: str
    architecture: str

    @property
    def _home(self) -> Path:
        return cache_root() / "apt" / f"{self.suite}-{self.architecture}"

    def refresh(self, log: Path) -> None:
        """Fetch the package lists. Raises FleetError when the mirror has no such suite."""
        home = self._home
        with locked(home.with_suffix(".lock")):
            for folder in ("lists/partial", "archives/partial", "parts"):
                (home / folder).mkdir(parents=True, exist_ok=True)
            (home / "status").touch()
            (home / "sources.list").write_text(source_line(self.suite) + "\n")
            (home / "apt.conf").write_text(
                f'Dir::State "{home}"; Dir::State::status "{home}/status"; Dir::Cache "{home}";\n'
                f'Dir::Etc::sourcelist "{home}/sources.list";\n'
                f'Dir::Etc::sourceparts "{home}/parts";\n'
                f'Dir::Etc::preferencesparts "{home}/parts"; Dir::Etc::preferences "/dev/null";\n'
                f'APT::Architecture "{self.architecture}";\n'
                f'APT::Architectures {{ "{self.architecture}"; }};\n'
                'Acquire::Languages "none"; APT::Sandbox::User "root";\n'
                'APT::Update::Error-Mode "any";\n'
            )
            self._apt(["apt-get", "-q", "update"], f"Asking the Debian mirror for {self}", log)

    def _apt(self, command: list[str], what: str, log: Path, cwd: Path | None = None) -> str:
        return run(
            command, what=what, log=log, cwd=cwd, env={"APT_CONFIG": str(self._home / "apt.conf")}
        )

    def __str__(self) -> str:
        return f"{self.suite}/{self.architecture}"

    def _record(self, package: str, log: Path) -> dict[str, str]:
        what = f"Finding the package {package} in {self}"
        try:
            text = self._apt(["apt-cache", "--no-all-versions", "show", package], what, log)
        except FleetError:
            return {}  # apt-cache fails for a name it never heard of
        return {
            key: value.strip()
            for key, mark, value in (line.partition(": ") for line in text.splitlines())
            if mark
        }

    def kernel_closure(self, packages: list[str], log: Path) -> list[str]:
        """Return `packages` and what of the kernel's own source they depend on, as NAME=VERSION.

        A meta package leads to the kernel it stands for. Raises FleetError for an unknown package.
        """
        chosen: dict[str, str] = {}
        asked = {package.partition("=")[0] for package in packages}
        waiting = list(packages)
        while waiting:
            name, mark, version = waiting.pop().partition("=")
            if name in chosen:
                continue
            record = self._record(f"{name}={version}" if version else name, log)
            if "Package" not in record:
                if name in asked:
                    raise FleetError(
                        f"{self} has no package {name}{mark}{version}: correct package, suite or"
                        " version in the fleet file, or use what apt-cache policy shows."
                    )
                continue  # a virtual package: some other source provides it
            source = record.get("Source", record["Package"]).split(" ")[0]
            if not _KERNEL_SOURCE.match(source):
                continue
            chosen[name] = record["Version"]
            for term in record.get("Depends", "").split(","):
                found = re.match(r"\s*(linux-[^\s:]+)[^(]*(?:\(= ([^)]+)\))?", term)
                if found:
                    waiting.append(found[1] + (f"={found[2]}" if found[2] else ""))
        return [f"{name}={version}" for name, version in sorted(chosen.items())]

    def download(self, packages: list[str], into: Path, log: Path) -> list[Path]:
        into.mkdir(parents=True, exist_ok=True)
        what = f"Downloading {', '.join(packages)} from {self}"
        self._apt(["apt-get", "-q", "download", *packages], what, log, cwd=into)
        return sorted(into.glob("*.deb"))
