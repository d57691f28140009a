"""Files that show a change again: its cell, its levels, and a script for `git bisect run`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import tomli_w
from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import TypeAdapter, ValidationError

from lab import emulation
from lab.alerts.cell import experiment
from lab.alerts.model import Alert, Change, Suspect
from lab.alerts.words import title
from lab.emulation import Host
from lab.errors import UsageError
from lab.store.folder import write_atomic

CELL, CHANGE, SCRIPT = "cell.toml", "change.json", "bisect.sh"
BISECTED = "bisect"
"""Name of the emulated host of a bisection: the fleet's own hosts are left alone."""
PORT = 22299

_CHANGE: TypeAdapter[Change] = TypeAdapter(Change)


def write(alert: Alert, folder: Path, fleet: Path | None = None) -> list[Path]:
    """Write the files into `folder` and return them; the script only where the kernel changed.

    An emulated host's script boots each kernel on an emulated host alike, which `fleet` (the
    lab's own when None) has; another's installs it on the host itself. Raises UsageError for
    an alert without a measurement, and an emulated host that the fleet does not have.
    """
    if not alert.changes:
        raise UsageError(f"{alert.id} is about a night that did not run: it has no measurement")
    change = alert.changes[0]
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        folder / CELL: experiment(change, alert.id).encode(),
        folder / CHANGE: _CHANGE.dump_json(change, indent=1),
    }
    if alert.kernel and alert.kernel.commits:
        script = bisection(alert, alert.kernel, folder.resolve(), fleet)
        files[folder / SCRIPT] = script.encode()
    for path, content in files.items():
        write_atomic(path, content)
    if folder / SCRIPT in files:
        (folder / SCRIPT).chmod(0o755)
    return list(files)


def read_change(path: Path) -> Change:
    """Read back what `write` wrote; UsageError when it is something else."""
    try:
        return _CHANGE.validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}): `kvmlab alerts reproduce` writes it"
        ) from error
    except ValidationError as error:
        raise UsageError(
            f"{path} is no change of an alert: `kvmlab alerts reproduce` writes one"
        ) from error


def bisection(alert: Alert, kernel: Suspect, folder: Path, fleet: Path | None) -> str:
    """Return the script that tells one kernel tree's verdict to `git bisect run`."""
    series = alert.changes[0].series
    emulated = series.clock_class in {clock.value for clock in emulation.Clock}
    good, bad = str(kernel.commits).split("..")
    environment = Environment(
        loader=PackageLoader("lab.alerts", "."),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  (a shell script; what goes in is quoted for the shell)
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["quote"] = shlex.quote
    return environment.get_template("bisect.sh.j2").render(
        alert=alert,
        title=title(alert),
        good=good,
        bad=bad,
        folder=str(folder),
        script=str(folder / SCRIPT),
        kvmlab=str(Path(sys.executable).with_name("kvmlab")),
        fleet=_fleet(series.host, fleet) if emulated else None,
        host=BISECTED if emulated else series.host,
    )


def _fleet(host: str, file: Path | None) -> str:
    """Return the table of an emulated host like `host`, without its kernel."""
    hosts = emulation.load_fleet(file)
    if host not in hosts:
        raise UsageError(
            f"the fleet has no host {host}: pass the fleet file that has it with --fleet"
        )
    return tomli_w.dumps({"hosts": {BISECTED: _table(hosts[host])}})


def _table(host: Host) -> dict[str, object]:
    table: dict[str, object] = {
        "architecture": host.architecture,
        "clock": host.clock.value,
        "cpus": host.cpus,
        "memory_mib": host.memory_mib,
        "suite": host.suite,
        "packages": list(host.packages),
        "boot_timeout_s": host.boot_timeout_s,
    }
    return table if host.port is None else {**table, "port": PORT}
