"""What Ansible says of a failure, turned into one sentence: what, where, and what mends it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

# Where to look in a task's result, the most telling first.
PLACES = (
    "msg",
    "failures",
    "extract_results",
    "stderr",
    "module_stderr",
    "stdout",
    "module_stdout",
    "exception",
)


class Known(NamedTuple):
    """A failure by how it shows; `{0}` in its sentence is what the pattern's group caught."""

    pattern: str
    sentence: str


UNREACHABLE = (
    Known(
        r"No space left on device",
        "{host} has a full disk: make room for Ansible's temporary files and /var/lib/kvmlab there",
    ),
    Known(
        r"Failed to create temporary directory",
        "{host} lets Ansible write no temporary files: check the login user's home folder there, "
        "and its free space",
    ),
    Known(
        r"Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED",
        "{host} shows an SSH key that is not the known one: log in once with ssh to accept it, or "
        "set ansible_host_key_checking: false for it in {inventory} if that is safe",
    ),
    Known(
        r"(Permission denied \([^)]*\)|Invalid/incorrect password)",
        "{host} refuses the login over SSH ({0}): check ansible_user and "
        "ansible_ssh_private_key_file in {inventory}",
    ),
    Known(
        r"sshpass",
        "{host} has ansible_password in {inventory}, which needs the program sshpass here: install "
        "it, or log in with a key",
    ),
    Known(
        r"(?:\bsu(?:do)?\b.*password|privilege escalation)",
        "{host} does not let the login user become root ({raw}): set ansible_become_password for "
        "it, or log in as root",
    ),
    Known(
        r"(Connection refused|Connection timed out|No route to host|Network is unreachable"
        r"|Could not resolve hostname [^:\s]+|Connection reset|Connection closed|timed out)",
        "{host} cannot be reached over SSH ({0}): check ansible_host and ansible_port in "
        "{inventory}",
    ),
    Known(
        r"",
        "{host} cannot be reached over SSH ({raw}): check its entry in {inventory}",
    ),
)
FAILED = (
    Known(
        r"(?:No space left on device|Errno 28|[Nn]o usable temporary directory)",
        "{host} has a full disk: make room, above all in /var/lib/kvmlab and /tmp",
    ),
    Known(
        r"[Rr]ead-only file system(?:: '?([^'\s]+))?",
        "{host} has a read-only file system: the lab must write to /var/lib/kvmlab there",
    ),
    Known(
        r"(?:Missing sudo password|[Ss]udo: a password is required|a password is required"
        r"|waiting for privilege escalation prompt|Incorrect sudo password)",
        "{host} wants a password for sudo: set ansible_become_password for it in {inventory} (in a "
        "vault), or allow the login user sudo without one",
    ),
    Known(
        r"sudo: (?:command )?not found",
        "{host} has no sudo: log in as root (ansible_user: root, ansible_become: false in "
        "{inventory}), or install sudo there",
    ),
    Known(
        r"is not in the sudoers file|may not run sudo",
        "{host} does not allow its login user sudo: set another ansible_user in {inventory}, or "
        "allow it there",
    ),
    Known(
        r"(/\S*python\S*)(?:: (?:command )?not found|: No such file|' was not found)"
        r"|interpreter '?(\S*python[^'\s]*)'? was not found",
        "{host} has no {0}: install python3 there, or set ansible_python_interpreter in "
        "{inventory}",
    ),
    Known(
        r"(?:No package matching '([^']+)'|Unable to locate package (\S+)"
        r"|No package (\S+) available|Unable to find a match: (\S+))",
        "{host} has no package {0} in its package sources: add the repository that has it (for "
        "Debian: main of a current release)",
    ),
    Known(
        r"(?:Failed to update apt cache|Failed to fetch|Temporary failure resolving"
        r"|Failed to download metadata)",
        "{host} cannot fetch packages: check its network, proxy and package sources, or pass "
        "--no-provision if it has all it needs",
    ),
    Known(
        r"(?:Could not get lock|Unable to acquire the dpkg|dpkg frontend lock)",
        "{host} is installing packages for someone else: try again when that is done",
    ),
    Known(
        r"nsenter: .*/ns/mnt",
        "{host}: the observer has gone: it was killed there, or could not be asked for half a "
        "minute and left",
    ),
    Known(
        r"(unshare|nsenter)\b.*(?:No such file|not found)",
        "{host} has no {0}: install util-linux there",
    ),
    Known(
        r"dpkg was interrupted",
        "{host} has a half-installed package: run `dpkg --configure -a` there",
    ),
    Known(
        r"(?:[Tt]ransferred file|checksum mismatch|mismatched checksum)",
        "{host}: what was transferred arrived changed or in part: check the disk on both sides",
    ),
)
AGENT = re.compile(r"^agent: (.+)$", re.MULTILINE)
UNSUPPORTED = 77


def _text(result: dict[str, Any]) -> str:
    """Return all that a task said; of a loop, what its first failed item said."""
    for item in result.get("results", []):
        if isinstance(item, dict) and (item.get("failed") or item.get("unreachable")):
            return _text(item)
    return "\n".join(str(result[place]) for place in PLACES if result.get(place))


def _filled(table: tuple[Known, ...], text: str, host: str, inventory: Path) -> str | None:
    for known in table:
        match = re.search(known.pattern, text)
        if match:
            group = next(filter(None, match.groups()), "")
            return known.sentence.format(group, host=host, inventory=inventory, raw=_line(text))
    return None


def _line(text: str) -> str:
    """Return the first line that says something, without Ansible's preamble."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    line = lines[0] if lines else "Ansible says no more"
    return re.sub(r"^(Task failed: )?(Failed to connect to the host via ssh: )?", "", line).rstrip(
        ".:"
    )


def unreachable(host: str, inventory: Path, result: dict[str, Any]) -> str:
    """Return why a host cannot be reached."""
    return _filled(UNREACHABLE, _text(result), host, inventory) or _line(_text(result))


def failed(host: str, inventory: Path, task: str, result: dict[str, Any]) -> str:
    """Return why a task failed; the agent's own sentence when it was the agent."""
    if "assertion" in result:
        # A playbook's own sentence.
        return f"{host}: {result['msg']}"
    text = _text(result)
    agent = AGENT.search(text)
    if agent:
        return agent[1]
    known = _filled(FAILED, text, host, inventory)
    return known or f"{host} failed at '{task}': {_line(text)} (all of it: ansible.log)"


def unsupported(result: dict[str, Any]) -> bool:
    """Tell whether the agent says that nothing can run there."""
    return result.get("rc") == UNSUPPORTED
