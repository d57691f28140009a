"""What /proc says of a vCPU's thread, of one that halts and of one that has not begun."""

from __future__ import annotations

import os
import time
from contextlib import closing
from pathlib import Path

import pytest
from agent import guest, vcpu_thread

pytestmark = pytest.mark.needs("kvm", "root")

HALT_NS = 1_000_000_000


def test_a_vcpu_that_halts_is_seen_asleep_in_kvm_run(vmm: Path, tmp_path: Path) -> None:
    intervals = tmp_path / "intervals"
    intervals.write_text(f"{HALT_NS}\n")
    words = ["--workload", "halt", "--count", "1", "--intervals", str(intervals)]
    with closing(guest.Vm(vmm, words, 30)) as vm:
        pid, tid = vm.ready["pid"], vm.ready["vcpus"][0]["tid"]
        # It waits, for something else.
        assert vcpu_thread.asleep_in_run(pid, tid, 0.05) is None
        began = time.monotonic_ns()
        vm.go()
        seen = vcpu_thread.asleep_in_run(pid, tid, 10)
        assert seen is not None
        assert began < seen[0] <= seen[1] < time.monotonic_ns()
        vm.result(lambda: None)


def test_what_a_thread_spent_is_summed() -> None:
    before = vcpu_thread.counts(os.getpid(), os.getpid())
    time.sleep(0.01)
    spent = vcpu_thread.less(vcpu_thread.counts(os.getpid(), os.getpid()), before)
    assert spent["voluntary"] > 0
    totals = vcpu_thread.totals([spent, spent])
    assert totals["switches"]["voluntary"] == 2 * spent["voluntary"]
    assert {*totals["cpu"]} | {*totals["switches"]} == {*spent}
