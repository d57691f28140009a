"""The lab's own SSH keys, made once per cache: who may log in, and what every host answers with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.emulation.cache import locked
from lab.emulation.commands import require, run
from lab.paths import cache_root

if TYPE_CHECKING:
    from pathlib import Path

# All emulated hosts answer with one key, so a rebuilt image does not look like an impostor.
HOST_KEY_ALIAS = "kvmlab-emulated"


@dataclass(frozen=True, slots=True)
class Keys:
    folder: Path

    @property
    def user(self) -> Path:
        """Private key for root on every emulated host."""
        return self.folder / "lab_ed25519"

    @property
    def host(self) -> Path:
        return self.folder / "host_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"


def public(private: Path) -> str:
    return private.with_name(private.name + ".pub").read_text()


def lab_keys() -> Keys:
    """Return the keys, made on first use. Raises NothingToRunError without ssh-keygen."""
    folder = cache_root() / "keys"
    keys = Keys(folder)
    with locked(cache_root() / "keys.lock"):
        folder.mkdir(mode=0o700, exist_ok=True)
        for path in (keys.user, keys.host):
            if not path.with_name(path.name + ".pub").exists():
                require(["ssh-keygen"], "Reaching an emulated host")
                path.unlink(missing_ok=True)
                run(
                    [
                        "ssh-keygen",
                        "-q",
                        "-t",
                        "ed25519",
                        "-N",
                        "",
                        "-C",
                        "kvmlab",
                        "-f",
                        str(path),
                    ],
                    what="Making an SSH key",
                    log=folder / "keygen.log",
                )
        keys.known_hosts.write_text(f"{HOST_KEY_ALIAS} {public(keys.host)}")
    return keys
