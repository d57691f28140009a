from __future__ import annotations

import pytest

from lab.facts import Fact, cpu_count, facts
from lab.labels import NONE
from tests import synthetic


def test_every_fact_is_shown_and_what_was_not_read_is_a_dash() -> None:
    document = synthetic.host_facts("h", "hardware") | {"new_fact": {"a": [1, 2]}}
    found = {fact.name: fact.value for fact in facts(document)}
    assert found["cpu model"] == "Synthetic CPU"
    assert found["microcode"] == NONE
    assert found["foreign vms"] == NONE
    assert found["smt"] == "no"
    assert found["kvm: parameters: kvm.halt_poll_ns"] == "200000"
    assert found["vm.halt_poll_ns"] == "ok, 200000"
    assert found["new fact: a"] == "1, 2"


@pytest.mark.parametrize(
    ("online", "number"), [("0", 1), ("0-1", 2), ("0-3,8,10-11", 7), (4, 4), (None, None)]
)
def test_online_cpus_are_counted(online: str | int | None, number: int | None) -> None:
    assert cpu_count(online) == number


def test_what_explains_results_comes_first() -> None:
    assert facts({"uptime_s": 1, "architecture": "s390x"})[0] == Fact("architecture", "s390x")
