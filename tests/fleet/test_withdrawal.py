"""A host of the lab goes back to what it was: the last test of each, for it takes what is built."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import Exit
from tests.fleet.bench import Emulated, Lab

pytestmark = pytest.mark.needs("fleet")


def test_a_purge_leaves_no_trace(emulated: Emulated, tmp_path: Path) -> None:
    lab = Lab(tmp_path, there=emulated.entry())
    ended = lab.kvmlab("doctor")
    assert ended.status == Exit.OK, ended.out
    assert emulated.ssh("ls /var/lib/kvmlab | head -n 1")
    ended = lab.kvmlab("restore", "--purge")
    assert ended.status == Exit.OK, ended.err
    assert ended.out == "there: nothing to undo\n"
    traces = (
        "find / -xdev -name '*kvmlab*' -o -xdev -path '*/.ansible/tmp/*'; pgrep -a kvmlab; true"
    )
    assert emulated.ssh(traces) == ""
