"""The `[alerts]` table of a night's configuration; paths are relative to the file's folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr, model_validator
from rich.console import Console

from lab.alerts.delivery import Sink
from lab.alerts.night import NIGHTS_BACK
from lab.alerts.sinks.files import STDOUT
from lab.errors import UsageError


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Sink(_Strict):
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")] | None = None

    @property
    def label(self) -> str:
        kind: str = self.kind  # type: ignore[attr-defined]  # every sink has one
        return self.name or kind


class Secret(_Strict):
    """A secret stands in the table itself, in a variable, or in a file of its own."""

    value: SecretStr | None = None
    env: str | None = None
    file: Path | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(each is not None for each in (self.value, self.env, self.file)) != 1:
            raise ValueError("takes one of value, env (a variable's name) and file")
        return self

    def get(self, where: str, folder: Path) -> str:
        """Return the secret; UsageError when its variable or file is not there."""
        if self.value:
            return self.value.get_secret_value()
        if self.env:
            if self.env not in os.environ:
                raise UsageError(f"{where}: the variable {self.env} is not set: set it")
            return os.environ[self.env]
        # systemd puts the credentials of a service (LoadCredential=) in a folder of its own.
        path = Path(os.environ.get("CREDENTIALS_DIRECTORY", folder)) / str(self.file)
        try:
            return path.read_text().strip()
        except OSError as error:
            raise UsageError(
                f"{where}: {path} cannot be read ({error.strerror}): put the secret there"
            ) from error


class TerminalSink(_Sink):
    kind: Literal["terminal"]

    def make(self, folder: Path) -> Sink:  # noqa: ARG002  (it writes no file)
        from lab.alerts.sinks.terminal import Terminal  # noqa: PLC0415

        return Terminal(Console(highlight=False), self.label)


class FileSink(_Sink):
    kind: Literal["json", "junit", "markdown", "openmetrics"]
    path: Path

    def make(self, folder: Path) -> Sink:
        from lab.alerts.sinks.document import JsonFile  # noqa: PLC0415  (each is slow to import)
        from lab.alerts.sinks.junit import JUnit  # noqa: PLC0415
        from lab.alerts.sinks.markdown import Markdown  # noqa: PLC0415
        from lab.alerts.sinks.openmetrics import OpenMetrics  # noqa: PLC0415

        kinds: dict[str, Callable[[Path, str], Sink]] = {
            "json": JsonFile,
            "junit": JUnit,
            "markdown": Markdown,
            "openmetrics": OpenMetrics,
        }
        path = self.path if self.path == STDOUT else folder / self.path
        return kinds[self.kind](path, self.label)


class AlertmanagerSink(_Sink):
    """`valid_for_h` must outlast the pause between two nights, or two `kvmlab alerts send`."""

    kind: Literal["alertmanager"]
    url: HttpUrl
    token: Secret | None = None
    lab: str = "kvmlab"
    valid_for_h: Annotated[float, Field(gt=0)] = 36

    def make(self, folder: Path) -> Sink:
        from lab.alerts.sinks.alertmanager import Alertmanager  # noqa: PLC0415

        return Alertmanager(
            str(self.url),
            valid=timedelta(hours=self.valid_for_h),
            lab=self.lab,
            token=self.token.get(f"sinks.{self.label}.token", folder) if self.token else None,
            name=self.label,
        )


class AppriseSink(_Sink):
    kind: Literal["apprise"]
    url: Secret

    def make(self, folder: Path) -> Sink:
        from lab.alerts.sinks.messenger import Messenger  # noqa: PLC0415

        return Messenger(self.url.get(f"sinks.{self.label}.url", folder), self.label)


SinkTable = Annotated[
    TerminalSink | FileSink | AlertmanagerSink | AppriseSink, Field(discriminator="kind")
]


class AlertsTable(_Strict):
    """`nights_back` at the old level in a row close an alert."""

    nights_back: Annotated[int, Field(ge=1)] = NIGHTS_BACK
    sinks: Sequence[SinkTable] = ()

    @model_validator(mode="after")
    def _names(self) -> Self:
        labels = [sink.label for sink in self.sinks]
        if twice := {label for label in labels if labels.count(label) > 1}:
            raise ValueError(f"sinks: {min(twice)} is there twice; give each a name of its own")
        return self

    def make(self, folder: Path) -> list[Sink]:
        """Make all sinks; UsageError for one whose secret or address is not right."""
        return [sink.make(folder) for sink in self.sinks]
