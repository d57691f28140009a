"""What there is to say of an architecture."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Boundary:
    """Where the guest's floating-point and vector registers are switched, in some kernels."""

    kernels: str
    where: str
    source: str


@dataclass(frozen=True)
class Blind:
    """Something probes on this architecture cannot show; `source` is where the kernel says so."""

    what: str
    source: str


@dataclass(frozen=True)
class Architecture:
    title: str
    fpu: tuple[Boundary, ...]
    blind: tuple[Blind, ...]
