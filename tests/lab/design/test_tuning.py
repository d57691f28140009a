from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.design import plan, tuning, writes
from lab.design.experiment import find, load
from lab.errors import UsageError
from lab.fleet import inventory
from lab.paths import PLAYBOOKS


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("fast", "h: kvmlab_tuning is 'fast': make it a mapping of governor, smt, thp, isolation"),
        ({"turbo": "off"}, "h: kvmlab_tuning has no turbo: use governor, smt, thp, isolation, req"),
        ({"thp": "sometimes"}, "h: kvmlab_tuning.thp is 'sometimes': it takes one of always, mad"),
        ({"governor": 3}, "h: kvmlab_tuning.governor is 3: it takes a word"),
        ({"required": "yes"}, "h: kvmlab_tuning.required is 'yes': use true or false"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(asked: object, sentence: str) -> None:
    with pytest.raises(UsageError) as raised:
        tuning.check(asked, "h")
    assert str(raised.value).startswith(sentence)


def test_it_comes_from_the_inventory_into_the_plan_and_its_writes(tmp_path: Path) -> None:
    path = tmp_path / "inventory.yml"
    path.write_text("all: {vars: {kvmlab_tuning: {smt: off, isolation: on}}, hosts: {a: , b: }}\n")
    tunings = inventory.tunings(path, ["a", "b"])
    # YAML's off is false.
    assert tunings == {host: {"smt": "off", "isolation": "on"} for host in ("a", "b")}
    question = load(find("exits"))
    document = plan.document("run", "exits", question, ["a", "c"], tunings)
    assert json.loads(json.dumps(document))["tuning"] == {"a": tunings["a"], "c": {}}
    assert plan.for_host(document, "a", allow_foreign_vms=False)["tuning"] == tunings["a"]
    found = {write.target: write for write in writes.writes(document, "a")}
    assert found["/sys/devices/system/cpu/smt/control"].value == "smt: off"
    assert found["/proc/irq/default_smp_affinity"].undone == writes.AFTERWARDS
    assert not any("/smt/" in write.target for write in writes.writes(document, "c"))


def test_the_example_inventory_is_one() -> None:
    example = PLAYBOOKS / "inventory" / "example.yml"
    hosts = inventory.hosts(example)
    assert hosts == ["epyc", "altra", "z16", "power10"]
    expected = {"governor": "performance", "thp": "never"}
    assert inventory.tunings(example, hosts) == dict.fromkeys(hosts, expected)
