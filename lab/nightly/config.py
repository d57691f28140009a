"""The file that says what a night is: which experiments, on which hosts, kept where, judged how."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from lab.alerts.config import AlertsTable
from lab.design import experiment
from lab.detect import Rule
from lab.history.store import Kind
from lab.metrics import METRICS, PRIMARY
from lab.nightly.model import DEFAULT, Criteria
from lab.paths import PLAYBOOKS

LOCAL = PLAYBOOKS / "inventory" / "local.yml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Confirm(_Strict):
    """How what a night suspects is looked at again, before anybody is told.

    The suspicious cells and their reference are run for `blocks` blocks of fresh VMs, on a fresh
    boot of every host whose inventory allows one (`kvmlab_reboot`).
    """

    blocks: Annotated[int, Field(ge=6, le=1000)] = 12


class Judge(_Strict):
    """What counts as a change; the meaning is that of `lab.detect.Rule`.

    `noise_floor` is the relative change that two runs of the same show on these hosts; where the
    A/A arms of the nights show a larger one, that counts.
    """

    minimum_effect: Annotated[float, Field(gt=0, strict=False)] = DEFAULT.minimum_effect
    noise_floor: Annotated[float, Field(ge=0, strict=False)] = 0
    window: Annotated[int, Field(ge=10)] = DEFAULT.window
    nights: Annotated[int, Field(ge=5)] = DEFAULT.nights

    @model_validator(mode="after")
    def _long_enough(self) -> Self:
        if self.window < 2 * self.nights:
            raise ValueError(
                f"judge.window: {self.window} nights cannot hold two baselines of {self.nights}; "
                "raise it, or lower `judge.nights`"
            )
        return self


class File(_Strict):
    """What stands in the file; paths are relative to it.

    Each host gets `tries` attempts to complete an experiment; a night that broke off and was not
    resumed for `give_up_h` hours is given up. `state` is where its journal is kept, by default
    where systemd (StateDirectory=) or the XDG base directories say; `site` is the folder of the
    pages that it leaves, by default one beside the journal. `kind` is `synthetic` for a
    store that has made-up nights in it: no other night goes there.
    """

    store: str
    kind: Kind = "measured"
    experiments: Annotated[list[str], Field(min_length=1)]
    inventory: str | None = None
    hosts: str = "all"
    metrics: list[str] = list(PRIMARY)
    provision: bool = True
    allow_foreign_vms: bool = False
    tries: Annotated[int, Field(ge=1, le=10)] = 3
    give_up_h: Annotated[float, Field(gt=0, strict=False)] = 20
    state: str | None = None
    site: str | None = None
    judge: Judge = Judge()
    confirm: Confirm = Confirm()
    alerts: AlertsTable = AlertsTable()

    @field_validator("experiments")
    @classmethod
    def _apart(cls, names: list[str]) -> list[str]:
        stems = [Path(name).stem for name in names]
        if twice := {stem for stem in stems if stems.count(stem) > 1}:
            raise ValueError(
                f"experiments: {min(twice)} is there twice; give each a name of its own"
            )
        return names

    @field_validator("metrics")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        known = [each.name for each in METRICS]
        for name in names:
            if name not in known:
                raise ValueError(f"metrics: {name} is no metric; there are {', '.join(known)}")
        return names

    @property
    def criteria(self) -> Criteria:
        judge = self.judge
        rule = Rule(judge.minimum_effect, judge.window, judge.nights)
        return Criteria(tuple(self.metrics), rule, judge.noise_floor)


@dataclass(frozen=True)
class Config:
    """A configuration and the folder its paths are relative to.

    `name`, that of its file, tells its nights from those of other configurations in a store.
    """

    file: File
    folder: Path
    name: str

    @property
    def inventory(self) -> Path:
        given = self.file.inventory
        return self.folder / given if given else LOCAL

    @property
    def store(self) -> str:
        """Return the store's URL; a plain path is relative to the file."""
        url = self.file.store
        return url if "://" in url else str(self.folder / url)

    @property
    def experiments(self) -> list[Path]:
        """Find the experiment files; UsageError for one that is not there."""
        return [
            experiment.find(str(self.folder / name) if name.endswith(".toml") else name)
            for name in self.file.experiments
        ]

    @property
    def state(self) -> Path:
        """Return the folder of this configuration's journals."""
        if self.file.state:
            return self.folder / self.file.state / self.name
        systemd = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
        xdg = os.environ.get("XDG_STATE_HOME", "")
        home = Path(xdg) if Path(xdg).is_absolute() else Path.home() / ".local" / "state"
        return (Path(systemd) if systemd else home / "kvmlab" / "nightly") / self.name

    @property
    def site(self) -> Path:
        """Return the folder of the pages that a night leaves."""
        return self.folder / self.file.site if self.file.site else self.state / "site"


def load(path: Path) -> Config:
    """Read and validate a configuration; UsageError naming the file, the key and the remedy."""
    return Config(experiment.read(path, File), path.resolve().parent, path.stem)
