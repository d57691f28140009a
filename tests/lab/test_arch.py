from __future__ import annotations

from lab import arch
from lab.paths import PROBES


def test_every_architecture_of_the_guest_is_known() -> None:
    guests = {path.stem for path in (PROBES / "guest").glob("*.S")}
    assert guests == arch.architectures().keys()


def test_every_fact_has_a_source() -> None:
    for each in arch.architectures().values():
        assert each.fpu
        assert each.blind
        assert all(boundary.source for boundary in each.fpu)
        assert all(blind.source for blind in each.blind)


def test_an_unknown_architecture_is_no_error() -> None:
    assert arch.named("riscv64") is None
    assert arch.named(None) is None
