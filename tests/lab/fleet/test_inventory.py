from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.errors import UsageError
from lab.fleet import inventory
from lab.fleet.drive import LOCAL

FLEET = """
all:
  hosts:
    alpha: {ansible_password: hunter2, ansible_become_pass: 1234, ansible_host: 192.0.2.1}
    beta: {ansible_ssh_private_key_file: /keys/beta}
  children:
    emu: {hosts: {gamma: {}, delta: {}}}
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    path = tmp_path / "fleet.yml"
    path.write_text(FLEET)
    return path


def test_the_embedded_inventory_is_this_machine() -> None:
    assert inventory.hosts(LOCAL) == ["local"]


def test_patterns_are_those_of_ansible(fleet: Path) -> None:
    assert set(inventory.hosts(fleet)) == {"alpha", "beta", "gamma", "delta"}
    assert set(inventory.hosts(fleet, "alpha,emu,!delta")) == {"alpha", "gamma"}


def test_secrets_are_known_by_the_names_of_their_variables(fleet: Path) -> None:
    assert inventory.secrets(fleet, ["alpha", "beta"]) == {"hunter2", "1234"}


@pytest.mark.parametrize(
    ("content", "pattern", "sentence"),
    [
        (FLEET, "alpha,nowhere", "nowhere matches no host of inventory {}: see "),
        (
            "all: [\n",
            "all",
            "inventory {} cannot be used: YAML parsing failed: While parsing a flow",
        ),
        (
            "all: {hosst: {a: }}\n",
            "all",
            "inventory {} has no hosts (Skipping unexpected key (hosst)",
        ),
    ],
)
def test_a_wrong_inventory_gives_a_sentence(
    tmp_path: Path, content: str, pattern: str, sentence: str
) -> None:
    path = tmp_path / "fleet.yml"
    path.write_text(content)
    with pytest.raises(UsageError, match=re.escape(sentence.format(path))) as raised:
        inventory.hosts(path, pattern)
    assert "\n" not in str(raised.value)


def test_an_ini_inventory_is_judged_as_one(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text("alpha beta gamma\n")
    with pytest.raises(UsageError, match="Expected key=value host variable assignment, got: beta"):
        inventory.hosts(path)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ("kvmlab_reboot: true", ["alpha"]),
        ("kvmlab_reboot: false", []),
        ("ansible_host: h", []),
        ("kvmlab_reboot: often", "alpha: kvmlab_reboot is 'often': use true or false"),
        (
            "kvmlab_reboot: true, ansible_connection: local",
            "alpha: kvmlab_reboot is true for the machine that runs the lab, which is never",
        ),
    ],
)
def test_only_hosts_that_allow_it_are_rebooted(
    tmp_path: Path, variables: str, expected: list[str] | str
) -> None:
    path = tmp_path / "fleet.yml"
    path.write_text(f"all: {{hosts: {{alpha: {{{variables}}}}}}}\n")
    if isinstance(expected, list):
        assert inventory.rebooted(path, ["alpha"]) == expected
    else:
        with pytest.raises(UsageError, match=re.escape(expected)):
            inventory.rebooted(path, ["alpha"])
