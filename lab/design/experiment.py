"""Experiments: TOML files that say what to ask, of which workloads, with which knobs."""

from __future__ import annotations

import tomllib
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, Field, ValidationError, model_validator

from lab.design.catalog import catalog
from lab.design.workload import STRICT, TAGS, Strict, Workload
from lab.errors import UsageError
from lab.paths import EXPERIMENTS

Setting = dict[str, int]
Probe = Literal["halts", "phases", "functions"]


class Stop(Strict):
    """When a host has blocks enough; without it all blocks are run.

    Blocks are added until the interval of every contrast of interest, that is of every setting in
    each of `metrics`, has an upper end at most `width` times its lower one; or until the time
    budget or the blocks end. The first look is after `min_blocks`.
    """

    width: Annotated[float, Field(gt=1, strict=False)]
    metrics: Annotated[list[str], Field(min_length=1)]
    # With fewer blocks nothing is compared: lab.stats.interval.MIN_BLOCKS.
    min_blocks: Annotated[int, Field(ge=6)] = 8


class Experiment(BaseModel):
    """One experiment file; `reference` is one of the settings that `design` makes of `knobs`.

    `crossed` takes every combination of values, `one-at-a-time` those that differ from the
    reference in one knob at most. Without knobs there is one setting: the host as it was found.

    `probes` is what is attached while a trial runs; `phases` does what `halts` does and more.
    With `overhead` each block runs each workload once more at the reference without a probe:
    what the probes themselves cost. With `aa` it runs the reference a second time under another
    name: what is found between two arms that are the same is noise.

    The blocks are split into `boots` groups, and a host that may be rebooted is rebooted between
    two of them. With `stop`, `blocks` is the most that are run, and the groups are those of the
    first look; further blocks come in further groups of that size.
    """

    model_config = STRICT

    analysis: Annotated[str, Field(min_length=1)]
    seed: Annotated[int, Field(ge=0)]
    blocks: Annotated[int, Field(ge=1, le=1000)]
    boots: Annotated[int, Field(ge=1)] = 1
    stop: Stop | None = None
    time_budget_s: Annotated[float, Field(gt=0, strict=False)]
    trial_timeout_s: Annotated[float, Field(gt=0, strict=False)] = 60
    design: Literal["crossed", "one-at-a-time"] = "crossed"
    probes: Annotated[list[Probe], Field(min_length=1)] = ["halts"]
    overhead: bool = True
    aa: bool = False
    knobs: dict[str, list[int]] = {}
    reference: Setting = {}
    workloads: Annotated[list[Workload], Field(min_length=1)]

    @model_validator(mode="after")
    def _known(self) -> Self:
        known = catalog().knobs
        for name, values in self.knobs.items():
            if name not in known:
                raise ValueError(f"knobs.{name}: no such knob; there are {', '.join(known)}")
            if not values:
                raise ValueError(f"knobs.{name}: no values; give at least one")
            if len(set(values)) < len(values):
                raise ValueError(f"knobs.{name}: a value is given twice; name each once")
            low, high = known[name].minimum, known[name].maximum
            if outside := [value for value in values if not low <= value <= high]:
                raise ValueError(
                    f"knobs.{name}: {outside[0]} is outside {low} … {high} {known[name].unit}"
                )
        if self.reference not in self.settings:
            raise ValueError(
                f"reference: {self.reference} is not one of the settings that `knobs` makes; "
                "give each knob one of its listed values"
            )
        if len(set(self.probes)) < len(self.probes):
            raise ValueError("probes: one is given twice; name each once")
        names = [workload.name for workload in self.workloads]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"workloads: the name {min(twice)} is given twice; name each once")
        return self

    @model_validator(mode="after")
    def _staged(self) -> Self:
        if self.first_blocks > self.blocks:
            raise ValueError(
                f"stop.min_blocks: {self.first_blocks} are more than the {self.blocks} of "
                "`blocks`; lower it, or raise `blocks`"
            )
        if self.boots > self.first_blocks:
            raise ValueError(
                f"boots: {self.boots} groups cannot be made of {self.first_blocks} blocks; lower "
                "it, or raise `stop.min_blocks` or `blocks`"
            )
        for name in self.stop.metrics if self.stop else ():
            self._check_metric(name)
        return self

    def _check_metric(self, name: str) -> None:
        from lab import metrics  # noqa: PLC0415  (pandas and numpy, wanted here only)

        guests = {workload.guest for workload in self.workloads}
        known = [each.name for each in metrics.METRICS if guests & each.guests]
        if name not in known:
            raise ValueError(
                f"stop.metrics: {name} is none that these workloads have: {', '.join(known)}"
            )

    @property
    def settings(self) -> list[Setting]:
        """The settings of the design, in the order of the file."""
        crossed = [
            dict(zip(self.knobs, values, strict=True)) for values in product(*self.knobs.values())
        ]
        if self.design == "crossed":
            return crossed
        return [
            setting
            for setting in crossed
            if sum(setting[knob] != self.reference.get(knob) for knob in setting) <= 1
        ]

    @property
    def cells(self) -> int:
        """Trials of a block: each arm with each workload."""
        return (len(self.settings) + self.overhead + self.aa) * len(self.workloads)

    @property
    def first_blocks(self) -> int:
        """Blocks that are run before anything can stop a host."""
        return self.stop.min_blocks if self.stop else self.blocks

    def boot_group(self, block: int) -> int:
        """Return the group of blocks, from 0, that `block` belongs to; each wants a fresh boot."""
        return block * self.boots // self.first_blocks if self.boots > 1 else 0

    @property
    def expected_s(self) -> float:
        """How long the first blocks take on one host, about, with 0.15 s for each fresh VM."""
        one_pass = sum(workload.expected_s + 0.15 for workload in self.workloads)
        return self.first_blocks * self.cells / len(self.workloads) * one_pass


def find(name: str) -> Path:
    """Return the file of a shipped name or of a path; UsageError when there is none."""
    path = Path(name)
    if path.suffix == ".toml" or path.exists():
        if path.is_file():
            return path
        raise UsageError(f"{name} does not exist: give an experiment file or a shipped name")
    shipped = EXPERIMENTS / f"{name}.toml"
    if shipped.is_file():
        return shipped
    raise UsageError(
        f"there is no experiment {name}: shipped are "
        f"{', '.join(sorted(file.stem for file in EXPERIMENTS.glob('*.toml')))}; "
        "or give the path of a .toml file"
    )


def load(path: Path) -> Experiment:
    """Read and validate an experiment file; raises as `read` does."""
    return read(path, Experiment)


Model = TypeVar("Model", bound=BaseModel)


def read(path: Path, model: type[Model]) -> Model:
    """Read a TOML file and validate it.

    Raises UsageError naming the file, the key and the remedy.
    """
    try:
        document = tomllib.loads(path.read_text())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}") from error
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise UsageError(f"{path}: {_sentence(error)}") from error


def _sentence(error: ValidationError) -> str:
    """Turn pydantic's first complaint into one sentence: key, fault, remedy."""
    complaint = error.errors()[0]
    # A discriminator's tag is pydantic's way to a key, not part of the file.
    key = ".".join(str(part) for part in complaint["loc"] if part not in TAGS)
    given: Any = complaint.get("input")
    match complaint["type"]:
        case "extra_forbidden":
            return f"{key}: no such key; remove it or mend its spelling"
        case "missing":
            return f"{key}: missing; add it"
        case "value_error":
            return str(complaint["ctx"]["error"])
        case "union_tag_invalid" | "union_tag_not_found":
            tag = str(complaint["ctx"]["discriminator"]).strip("'")
            expected = complaint["ctx"].get("expected_tags", "one of the documented values")
            return f"{key}.{tag}: must be {expected}"
        case _:
            return f"{key}: {complaint['msg'].lower()} (given: {given!r})"
