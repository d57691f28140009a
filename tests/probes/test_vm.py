"""A VMM that ends before its time says why in its own words."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from agent.errors import AgentError
from agent.guest import Vm


@pytest.fixture
def ends(tmp_path: Path) -> Path:
    """Return a VMM that is ready and then ends: it hears no `go`."""
    vmm = tmp_path / "vmm"
    vmm.write_text(
        "#!/bin/sh\nexec 0<&-\necho '{\"ready\": {}}'\necho 'the guest shut down' >&2\nexit 1\n"
    )
    vmm.chmod(0o755)
    return vmm


def test_a_vmm_that_has_ended_is_let_go_in_vain(ends: Path) -> None:
    with closing(Vm(ends, [], 10.0)) as vm, pytest.raises(AgentError, match="the guest shut down"):
        vm.run(lambda: None)
