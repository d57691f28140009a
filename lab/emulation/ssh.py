"""Reach an emulated host: the options of every connection, a command, waiting for the first."""

from __future__ import annotations

import shlex
import subprocess
import time
from typing import TYPE_CHECKING

from lab.emulation.keys import HOST_KEY_ALIAS, Keys
from lab.errors import FleetError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.emulation.emulator import Address

USER = "root"
_FIRST_WAIT_S, _LONGEST_WAIT_S = 3, 20


def options(address: Address, keys: Keys) -> list[str]:
    """Return ssh's options, without address and port. Only the lab's own files are read."""
    chosen = {
        "IdentityFile": str(keys.user),
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": str(keys.known_hosts),
        "GlobalKnownHostsFile": "/dev/null",
        "HostKeyAlias": HOST_KEY_ALIAS,
        "StrictHostKeyChecking": "yes",
        "BatchMode": "yes",
        "LogLevel": "ERROR",
        "ServerAliveInterval": "30",
        # A busy host under emulation can be silent for long.
        "ServerAliveCountMax": "20",
    }
    if address.proxy:
        chosen["ProxyCommand"] = shlex.join(address.proxy)
    return [word for key, value in chosen.items() for word in ("-o", f"{key}={value}")]


def command(address: Address, keys: Keys, *words: str, extra: tuple[str, ...] = ()) -> list[str]:
    """Return the ssh command line that runs `words` on the host, or a shell for none."""
    reach = ["ssh", "-F", "/dev/null", *options(address, keys), *extra, "-p", str(address.port)]
    return [*reach, f"{USER}@{address.host}", *words]


def run(address: Address, keys: Keys, script: str, *words: str, timeout_s: float) -> str:
    """Run `words` on the host with `script` as its input; return what it prints.

    Raises FleetError with the host's last line when it fails or takes longer than `timeout_s`.
    """
    try:
        done = subprocess.run(
            command(address, keys, *words),
            input=script,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise FleetError(f"the host did not answer within {timeout_s:.0f} s") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise FleetError(said[-1] if said else f"ssh ended with code {done.returncode}")
    return done.stdout


def wait(address: Address, keys: Keys, deadline: float, check: Callable[[], None]) -> None:
    """Return once a login works. `check` runs between tries and may raise to give up.

    Raises TimeoutError when `deadline` (of time.monotonic) passes, with the last thing ssh said.
    """
    patience, said = _FIRST_WAIT_S, "nothing"
    while time.monotonic() < deadline:
        check()
        try:
            tried = subprocess.run(
                command(address, keys, "true", extra=("-o", f"ConnectTimeout={patience}")),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=max(4.0 * patience, 30.0),
                check=False,
            )
        except subprocess.TimeoutExpired:
            said = "no login"
        else:
            if tried.returncode == 0:
                return
            said = tried.stderr.strip() or said
            time.sleep(0.3)
        patience = min(patience + 1, _LONGEST_WAIT_S)
    raise TimeoutError(f"ssh said: {said.splitlines()[-1]}")
