"""What changed on a host between the last good night and the first bad one."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lab.alerts.model import KERNEL, Suspect
from lab.labels import NONE

# Kbuild's setlocalversion appends -g<commit> to what is built from a tree between tags.
COMMIT = re.compile(r"-g([0-9a-f]{7,40})\b")
# `… #1 SMP PREEMPT_DYNAMIC Debian 6.1.106-3 (2024-08-26)`: Debian builds stable releases.
DEBIAN = re.compile(r"\bDebian (\d+\.\d+(?:\.\d+)?(?:~rc\d+)?)-")
UPSTREAM = re.compile(r"(\d+\.\d+)(?:\.(\d+))?(-rc\d+)?\+?(?: |$)")


def suspects(host: str, before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Suspect, ...]:
    """Compare the conditions of a host's two nights; the kernel, if it changed, comes first.

    A night without conditions shows nothing: what is not known has not changed.
    """
    if not before or not after:
        return ()
    changed = [name for name in {**after, **before} if before.get(name) != after.get(name)]
    return tuple(
        _suspect(host, name, before.get(name), after.get(name))
        for name in sorted(changed, key=lambda name: name != KERNEL)
    )


def _suspect(host: str, fact: str, before: str | None, after: str | None) -> Suspect:
    commits = _commits(before, after) if fact == KERNEL and before and after else None
    return Suspect(host, fact, before or NONE, after or NONE, commits)


def _commits(before: str, after: str) -> str | None:
    good, bad = revision(before), revision(after)
    return f"{good}..{bad}" if good and bad and good != bad else None


def revision(kernel: str) -> str | None:
    """Return what git calls a kernel in Linux's own trees, None when its name does not say.

    `kernel` is uname's release and version. A tag of linux-stable for released kernels and
    Debian's, the commit for one built between tags. Other distributions carry patches that are
    in no public tree under such a name.
    """
    if commit := COMMIT.search(kernel.partition(" ")[0]):
        return commit[1]
    if debian := DEBIAN.search(kernel):
        return _tag(debian[1].replace("~", "-"))
    return _tag(kernel)


def _tag(release: str) -> str | None:
    parts = UPSTREAM.match(release)
    if not parts:
        return None
    base, patch, candidate = parts.groups()
    # uname says 6.12.0 and 6.12.0-rc3 of what is tagged v6.12 and v6.12-rc3.
    return f"v{base}" + (f".{patch}" if patch and patch != "0" else "") + (candidate or "")
