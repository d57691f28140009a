"""Which hosts an inventory has, as Ansible itself reads it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab.design import tuning
from lab.errors import UsageError
from lab.fleet.environment import minimal

TIMEOUT_S = 120
REBOOT = "kvmlab_reboot"
SECRET = re.compile(r"pass(word|phrase|wd)?$|secret|token|private_key$", re.IGNORECASE)


def _listing(inventory: Path, pattern: str) -> tuple[dict[str, Any], str]:
    """Return the inventory as JSON, and Ansible's warnings."""
    with tempfile.TemporaryDirectory(prefix="kvmlab-", ignore_cleanup_errors=True) as private:
        try:
            answer = subprocess.run(
                [
                    *(sys.executable, "-m", "ansible", "inventory", "--list"),
                    *("--inventory", str(inventory.resolve()), "--limit", pattern),
                ],
                env=minimal(Path(private)),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise UsageError(
                f"inventory {inventory} was not read within {TIMEOUT_S} s: see what its plugins do"
            ) from error
    if answer.returncode:
        raise UsageError(_reason(inventory, pattern, answer.stderr))
    return json.loads(answer.stdout), answer.stderr


def _reason(inventory: Path, pattern: str, stderr: str) -> str:
    unknown = re.search(r"Could not match supplied host pattern, ignoring: (\S+)", stderr)
    if pattern == "all" and "does not match any hosts" in stderr:
        skipped = re.search(r"Skipping (.+)", stderr)
        because = f" ({skipped[0].rstrip('.')})" if skipped else ""
        return f"inventory {inventory} has no hosts{because}: add one under all: hosts:"
    if unknown or "does not match any hosts" in stderr:
        return (
            f"{unknown[1] if unknown else pattern} matches no host of inventory {inventory}: "
            f"see `ansible-inventory --graph -i {inventory}` for its hosts"
        )
    return f"inventory {inventory} cannot be used: {_cause(inventory, stderr).rstrip('.')}"


def _cause(inventory: Path, stderr: str) -> str:
    """Return what the parser of the file's own format says; Ansible tries every parser it has."""
    parser = "yaml" if inventory.suffix in {".yml", ".yaml", ".json"} else "ini"
    said = re.search(rf"Failed to parse inventory with '{parser}' plugin: (.+)", stderr)
    where = re.search(r"Origin: \S+:(\d+):\d+", stderr)
    if said:
        return said[1].rstrip(".") + (f" (line {where[1]})" if where else "")
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("[ERROR]: ") for line in lines if line.startswith("[ERROR]")]
    return (errors or lines[-1:] or ["ansible-inventory says nothing"])[0]


def hosts(inventory: Path, patterns: str = "all") -> list[str]:
    """Return the hosts of `inventory` that match `patterns` ("a,b", a group, "all:!c").

    Raises UsageError for an inventory that Ansible cannot read and for a pattern without a host.
    """
    listing, said = _listing(inventory, patterns)
    found = dict.fromkeys(
        host
        for name, group in listing.items()
        if name != "_meta"
        for host in group.get("hosts", [])
    )
    if not found:
        raise UsageError(_reason(inventory, patterns, "does not match any hosts\n" + said))
    return list(found)


def _variables(inventory: Path, names: list[str]) -> dict[str, dict[str, Any]]:
    """Return the variables of each of these hosts that has any."""
    listing, _ = _listing(inventory, ",".join(names))
    found: dict[str, dict[str, Any]] = listing.get("_meta", {}).get("hostvars", {})
    return found


def tunings(inventory: Path, names: list[str]) -> dict[str, dict[str, Any]]:
    """Return what the inventory asks each of these hosts to be tuned to; UsageError if wrong."""
    variables = _variables(inventory, names)
    return {
        name: tuning.check(variables.get(name, {}).get(tuning.VARIABLE), name) for name in names
    }


def rebooted(inventory: Path, names: list[str]) -> list[str]:
    """Return those of these hosts that the inventory lets the lab reboot (`kvmlab_reboot`).

    Raises UsageError for a value other than true and false, and for the machine the lab runs on.
    """
    found = []
    for name, variables in _variables(inventory, names).items():
        allowed = variables.get(REBOOT, False)
        if not isinstance(allowed, bool):
            raise UsageError(f"{name}: {REBOOT} is {allowed!r}: use true or false")
        if allowed and variables.get("ansible_connection") == "local":
            raise UsageError(
                f"{name}: {REBOOT} is true for the machine that runs the lab, which is never "
                "rebooted: remove it"
            )
        if allowed:
            found.append(name)
    return found


def secrets(inventory: Path, names: list[str]) -> frozenset[str]:
    """Return the values of all variables of these hosts that hold a password by their name."""

    def values(variables: dict[str, Any]) -> Iterator[str]:
        for name, value in variables.items():
            if isinstance(value, str | int) and SECRET.search(name):
                yield str(value)

    found = _variables(inventory, names).values()
    return frozenset(value for variables in found for value in values(variables)) - {""}
