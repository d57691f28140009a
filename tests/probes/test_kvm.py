"""Whether KVM's device opens, told before anything is built."""

from __future__ import annotations

from pathlib import Path

import pytest
from agent import kvm
from agent.errors import UnsupportedError
from agent.knobs import VmCapability


@pytest.fixture
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(kvm, "DEVICE", str(tmp_path / "kvm"))
    return f"{kvm.DEVICE} cannot be opened (No such file or directory): load this host's KVM module"


def test_a_device_that_is_away_is_said_with_what_mends_it(away: str) -> None:
    with pytest.raises(UnsupportedError) as error:
        kvm.look()
    assert str(error.value).startswith(away)


def test_a_knob_of_a_vm_is_missing_for_the_same_reason(away: str) -> None:
    found = VmCapability("vm.halt_poll_ns").available()
    assert found.status == "missing"
    assert found.reason
    assert found.reason.startswith(away)
