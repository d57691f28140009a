"""fleet.toml: which hosts are emulated, checked before anything is built."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from lab.emulation.host import Clock, Host, Kernel, group
from lab.emulation.machine import architectures, machine
from lab.errors import UsageError

DEFAULT_FLEET = Path(__file__).with_name("fleet.toml")


_Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.+~:-]*$")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _KernelTable(_Table):
    package: _Word | None = None
    suite: _Word | None = None
    version: _Word | None = None
    deb: list[Path] | None = None
    tree: Path | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        packaged = self.package or self.suite or self.version
        if sum(map(bool, (packaged, self.deb, self.tree))) > 1:
            raise ValueError(
                "takes a Debian package (package, suite, version), deb, or tree: keep one"
            )
        return self


class _HostTable(_Table):
    architecture: str
    clock: Clock = Clock.EMULATED
    cpus: Annotated[int, Field(ge=1, le=8)] = 1
    memory_mib: Annotated[int, Field(ge=512, le=65536)] = 1024
    port: Annotated[int, Field(ge=1024, le=65535)] | None = None
    suite: _Word | None = None
    packages: list[_Word] = []
    boot_timeout_s: Annotated[int, Field(ge=10)] = 600
    kernel: _KernelTable = _KernelTable()

    @model_validator(mode="after")
    def _fits_its_emulator(self) -> Self:
        if self.architecture not in architectures():
            raise ValueError(
                f"names architecture {self.architecture!r}: use one of {', '.join(architectures())}"
            )
        emulator = machine(self.architecture).emulator
        if self.clock not in emulator.clocks:
            raise ValueError(
                f"asks for clock {self.clock.value!r}, which the emulator of {self.architecture}"
                f" cannot give: use {', '.join(sorted(emulator.clocks))}"
            )
        if self.clock is Clock.ICOUNT and self.cpus != 1:
            raise ValueError("has clock 'icount' with several cpus: set cpus = 1")
        if emulator.takes_port and self.port is None:
            raise ValueError("needs a port for SSH on 127.0.0.1: add port = NUMBER")
        if not emulator.takes_port and self.port is not None:
            raise ValueError("is reached through its own network namespace: leave port out")
        return self


class _FleetTable(_Table):
    hosts: Annotated[
        dict[Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")], _HostTable],
        Field(min_length=1),
    ]


def load_fleet(path: Path | None = None) -> dict[str, Host]:
    """Read the hosts of `path`, or of the fleet that ships with the lab, by name.

    Raises UsageError naming file, key and remedy.
    """
    path = path or DEFAULT_FLEET
    try:
        table = _FleetTable.model_validate(tomllib.loads(path.read_text()))
    except OSError as error:
        raise UsageError(
            f"The fleet file {path} cannot be read ({error.strerror}): pass another with --fleet."
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {error}; correct that line.") from error
    except ValidationError as error:
        raise UsageError(f"{path}: {_sentence(error)}.") from error
    hosts = {name: _host(name, entry, path) for name, entry in table.hosts.items()}
    ports: dict[int, str] = {}
    for host in hosts.values():
        if host.port is not None and (other := ports.setdefault(host.port, host.name)) != host.name:
            raise UsageError(
                f"{path}: hosts.{host.name}.port is {host.port}, as is that of {other}:"
                " give each host a port of its own."
            )
    return hosts


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"] if part != "[key]")
    match first["type"]:
        case "value_error":
            return f"{key} {first['msg'].removeprefix('Value error, ')}"
        case "extra_forbidden":
            return f"{key} is not a key of fleet.toml: remove it or correct its spelling"
        case "missing":
            return f"{key} is missing: add it"
        case _:
            return f"{key} is {first['input']!r}: {first['msg'].replace('Input s', 's').lower()}"


def _host(name: str, entry: _HostTable, path: Path) -> Host:
    its = machine(entry.architecture)

    def absolute(given: Path) -> Path:
        found = (path.parent / given.expanduser()).resolve()
        if not found.exists():
            raise UsageError(
                f"{path}: hosts.{name}.kernel names {given}, which does not exist: mend the path."
            )
        return found

    own = entry.kernel.deb or entry.kernel.tree
    kernel = Kernel(
        package="" if own else entry.kernel.package or its.kernel_package,
        suite="" if own else entry.kernel.suite or its.kernel_suite,
        version=entry.kernel.version or "",
        debs=tuple(map(absolute, entry.kernel.deb or [])),
        tree=absolute(entry.kernel.tree) if entry.kernel.tree else None,
    )
    return Host(
        name=name,
        architecture=entry.architecture,
        clock=entry.clock,
        suite=entry.suite or its.suite,
        kernel=kernel,
        cpus=entry.cpus,
        memory_mib=entry.memory_mib,
        port=entry.port,
        boot_timeout_s=entry.boot_timeout_s,
        packages=tuple(entry.packages),
    )


def choose(hosts: dict[str, Host], names: tuple[str, ...]) -> list[Host]:
    """Return the hosts `names` stand for: a host, a group (`emu`, `icount`), or none for all.

    Raises UsageError for a name the fleet does not have.
    """
    chosen: dict[str, Host] = {}
    for name in names or tuple(hosts):
        members = (
            [hosts[name]] if name in hosts else [h for h in hosts.values() if group(h) == name]
        )
        if not members:
            raise UsageError(f"The fleet has no host or group {name!r}: it has {', '.join(hosts)}.")
        chosen |= {host.name: host for host in members}
    return list(chosen.values())
