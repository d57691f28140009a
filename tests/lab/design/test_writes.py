from __future__ import annotations

from lab.design import experiment, plan
from lab.design.writes import writes

QUESTION = experiment.load(experiment.find("halt_poll"))


def test_writes_name_every_value_of_every_knob() -> None:
    document = plan.document("r", "halt_poll", QUESTION, ["h"])
    found = {write.target: write for write in writes(document, "h")}
    assert found["KVM_ENABLE_CAP(KVM_CAP_HALT_POLL)"].value == "0, 20000, 50000, 200000, 1000000"
    assert "/var/lib/kvmlab/runs/r/" in found


def test_a_reboot_is_a_write_of_the_hosts_that_allow_it() -> None:
    booted = QUESTION.model_copy(update={"boots": 3})
    document = plan.document("r", "halt_poll", booted, ["h", "i"], rebooted=["h"])
    reboots = [write.value for write in writes(document, "h") if "rebooted" in write.target]
    assert reboots == ["2 times, between groups of blocks"]
    assert not any("rebooted" in write.target for write in writes(document, "i"))


def test_a_network_says_what_it_makes() -> None:
    network = experiment.load(experiment.find("network"))
    targets = {each.target for each in writes(plan.document("r", "n", network, ["h"]), "h")}
    assert "network namespaces without names" in targets
    document = plan.document("r", "halt_poll", QUESTION, ["h"])
    assert not any("namespaces" in each.target for each in writes(document, "h"))


def test_a_linux_guest_says_what_its_network_has_beside() -> None:
    linux = experiment.load(experiment.find("qemu_rr"))
    targets = {each.target for each in writes(plan.document("r", "q", linux, ["h"]), "h")}
    assert {"network namespaces without names", "in those namespaces"} <= targets
    for name in ("network", "qemu_pipe"):
        document = plan.document("r", name, experiment.load(experiment.find(name)), ["h"])
        targets = {each.target for each in writes(document, "h")}
        assert "in those namespaces" not in targets
