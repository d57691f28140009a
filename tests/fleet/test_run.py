"""`kvmlab run` on a foreign architecture, as on any host: what is programmed is what is counted."""

from __future__ import annotations

from typing import Any

import pytest

from lab import crosscheck
from lab.errors import Exit
from tests.fleet.bench import Emulated, Lab

pytestmark = pytest.mark.needs("fleet")

PRIME = 23
EXITS = ("exit", "hypercall", "userspace")
SERVED = ("net_rr", "disk_rr")
GUESTS = ("halt", *EXITS, *SERVED)
# KVM-HV on POWER9 has no host polling, and tells common KVM nothing of its halts.
WITHOUT_WAKEUPS = "ppc64le"


@pytest.fixture(scope="module")
def lab(emulated: Emulated, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("run"), there=emulated.entry())
    question = lab.question(*GUESTS, count=PRIME, probes="phases")
    ended = lab.kvmlab("run", question)
    assert ended.status in {Exit.OK, Exit.INCONCLUSIVE}, ended.err
    assert lab.entry("there")["state"] == "complete", ended.err
    return lab


def rows(lab: Lab, guest: str) -> list[dict[str, Any]]:
    return [row for row in lab.rows("there") if row["workload"]["guest"] == guest]


def test_every_halt_is_seen_and_the_kernel_agrees(emulated: Emulated, lab: Lab) -> None:
    if emulated.host.architecture == WITHOUT_WAKEUPS:
        pytest.skip("POWER9 is the negative control: see the next test but one")
    for row in rows(lab, "halt"):
        assert row["status"] == "ok", row["reason"]
        assert row["guest"]["completed"] == PRIME
        outcomes = row["haltpoll"]["outcomes"]
        assert row["haltpoll"]["halts"] == sum(outcomes.values()) == PRIME
        statistics = row["guest"]["stats"]["vcpu"][0]
        assert statistics["halt_successful_poll"] == outcomes["hit"] + outcomes["late_hit"]
        assert sum(statistics["halt_wait_hist"]) == outcomes["miss"] + outcomes["no_poll"]
        agreed(row)


def agreed(row: dict[str, Any]) -> None:
    """Require that counts agree with KVM's and the guest's."""
    counts = [d for d in crosscheck.differences(row) if d.quantity.unit == "events"]
    assert {"programmed halts", "programmed exits"} & {d.quantity.name for d in counts}
    assert not [d for d in counts if d.notable]


def test_phases_hold_all_the_time_of_a_vcpu(lab: Lab) -> None:
    found = [
        difference
        for row in lab.rows("there")
        for difference in crosscheck.differences(row)
        if difference.quantity.name == "time of the vCPU"
    ]
    assert len(found) == len(lab.rows("there"))
    assert not [difference for difference in found if difference.notable]


@pytest.mark.parametrize("guest", EXITS)
def test_every_exit_is_counted(lab: Lab, guest: str) -> None:
    for row in rows(lab, guest):
        # On POWER9 a knob of halt polling does nothing: the trial is run all the same.
        assert row["status"] in {"ok", "inert"}, row["reason"]
        assert row["guest"]["completed"] == PRIME
        assert len(row["guest"]["batch_ns"]) == PRIME
        assert min(row["guest"]["batch_ns"]) > 0
        agreed(row)


@pytest.mark.parametrize("guest", SERVED)
def test_every_request_is_counted_by_all(lab: Lab, guest: str) -> None:
    for row in rows(lab, guest):
        assert row["status"] in {"ok", "inert"}, row["reason"]
        requests = row["guest"]["requests"]
        counted = [requests[name] for name in ("sent", "interrupts", "replies")]
        assert [*counted, row["guest"]["completed"]] == 4 * [PRIME]
        assert min(row["guest"]["latency_ns"]) >= -row["guest"]["latency_error_ns"]
        agreed(row)


def test_power_is_inert_and_says_why(emulated: Emulated, lab: Lab) -> None:
    if emulated.host.architecture != WITHOUT_WAKEUPS:
        pytest.skip("this architecture polls")
    for row in rows(lab, "halt"):
        assert row["status"] == "inert"
        assert "POWER9" in row["reason"]
        assert row["guest"]["completed"] == PRIME


def test_the_facts_say_what_it_ran_on(emulated: Emulated, lab: Lab) -> None:
    facts = lab.entry("there")["facts"]
    assert facts["clock_class"] == "emulated"
    assert facts["kernel"] == emulated.ssh("uname -r")
    assert facts["architecture"] == emulated.ssh("uname -m")
    assert facts["tuning"] == []
