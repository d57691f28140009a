"""Kernel headers for bcc, without touching /lib/modules.

bcc includes a few kernel headers in everything it compiles. The best are those of the running
kernel. Where there are none, another version's serve: the probes read tracepoint fields by the
running kernel's own format files and no kernel structure at all. Debian splits a header package in
two; bcc wants one tree (BCC_KERNEL_SOURCE), so the halves are merged as links in the lab's folder.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
from pathlib import Path

from agent.errors import UnsupportedError

SOURCES = Path("/usr/src")
MODULES = Path("/lib/modules")
KHEADERS = Path("/sys/kernel/kheaders.tar.xz")


def provide(home: Path, sources: Path = SOURCES, modules: Path = MODULES) -> str:
    """Make bcc find headers in this process and say which they are.

    Raises UnsupportedError when there are none of any version.
    """
    release = platform.release()
    if (modules / release / "build" / "include").is_dir():
        return f"{modules}/{release}/build"
    if KHEADERS.exists():
        return str(KHEADERS)
    halves = _newest_pair(sources)
    if halves is None:
        raise UnsupportedError(
            f"no kernel headers: neither {modules}/{release}/build nor {sources}/linux-headers-* "
            "exists; provision this host, or install its distribution's linux-headers"
        )
    merged = home / "headers" / halves[0].name
    if not merged.exists():
        _merge(halves, merged)
    os.environ["BCC_KERNEL_SOURCE"] = str(merged)
    return f"{merged} (merged; of another kernel than {release})"


def _version(path: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", path.name))


def _newest_pair(sources: Path) -> tuple[Path, ...] | None:
    """Return the folders of the newest complete header package, the general half last."""
    packages = sorted(sources.glob("linux-headers-*"), key=_version, reverse=True)
    for package in packages:
        if not (package / "include" / "generated" / "autoconf.h").exists():
            continue
        if (package / "include" / "linux" / "types.h").exists():
            return (package,)
        # linux-headers-6.1.0-56-amd64 goes with linux-headers-6.1.0-56-common.
        stem = package.name
        while "-" in stem:
            stem = stem.rpartition("-")[0]
            common = sources / f"{stem}-common"
            if common.is_dir():
                return (package, common)
    return None


def _merge(halves: tuple[Path, ...], merged: Path) -> None:
    temporary = merged.with_name(f".{merged.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    for half in reversed(halves):
        for top in ("include", "arch"):
            for folder, _, files in os.walk(half / top):
                target = temporary / Path(folder).relative_to(half)
                target.mkdir(parents=True, exist_ok=True)
                for name in files:
                    link = target / name
                    link.unlink(missing_ok=True)
                    link.symlink_to(Path(folder) / name)
    temporary.rename(merged)
