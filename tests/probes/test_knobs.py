from __future__ import annotations

import json
from pathlib import Path

import pytest
from agent.errors import AgentError
from agent.journal import Journal
from agent.knobs import CATALOG, ModuleParameter, catalog

PARAMETER = "module/kvm/parameters/halt_poll_ns"


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    path = tmp_path / "sys" / PARAMETER
    path.parent.mkdir(parents=True)
    path.write_text("200000\n")
    return tmp_path / "sys"


def parameter(sysfs: Path) -> ModuleParameter:
    knob = catalog(sysfs)["host.halt_poll_ns"]
    assert isinstance(knob, ModuleParameter)
    return knob


def test_every_knob_of_the_catalog_is_there(sysfs: Path) -> None:
    assert set(catalog(sysfs)) == set(json.loads(CATALOG.read_text())["knobs"])


def test_a_writable_parameter_is_written_and_read_back(sysfs: Path) -> None:
    knob = parameter(sysfs)
    assert knob.available().status == "ok"
    knob.write(50_000)
    assert knob.show() == 50_000


def test_a_read_only_parameter_is_inert_but_serves_at_its_value(sysfs: Path) -> None:
    knob = parameter(sysfs)
    knob.path.chmod(0o444)
    assert knob.available().status == "inert"
    assert "read-only" in str(knob.available().reason)
    assert knob.can_be(200_000).status == "ok"
    assert knob.can_be(0).status == "inert"


def test_a_missing_parameter_is_missing(sysfs: Path) -> None:
    knob = catalog(sysfs)["host.halt_poll_ns_shrink"]
    assert knob.available().status == "missing"
    assert "does not exist" in str(knob.available().reason)


def test_the_journal_restores_the_first_value_found(sysfs: Path, tmp_path: Path) -> None:
    knob, journal = parameter(sysfs), Journal(tmp_path)
    for value in (0, 20_000, 1_000_000):
        journal.write(knob, value)
    assert knob.show() == 1_000_000
    assert journal.restore() == [{"knob": "host.halt_poll_ns", "value": 200_000}]
    assert knob.show() == 200_000
    assert not journal.path.exists()
    assert journal.restore() == []


def test_the_journal_is_on_disk_before_the_write(sysfs: Path, tmp_path: Path) -> None:
    knob, journal = parameter(sysfs), Journal(tmp_path)
    knob.path.chmod(0o000)
    knob.path.unlink()
    knob.path.mkdir()  # a parameter that cannot be written, even by root
    with pytest.raises(AgentError, match="does not take 5"):
        journal.write(knob, 5)
    assert "host.halt_poll_ns" in journal.path.read_text()


def test_a_journal_of_another_boot_has_nothing_to_undo(sysfs: Path, tmp_path: Path) -> None:
    knob, journal = parameter(sysfs), Journal(tmp_path)
    journal.write(knob, 0)
    content = json.loads(journal.path.read_text())
    journal.path.write_text(json.dumps({**content, "boot_id": "another"}))
    assert journal.restore() == []
    assert knob.show() == 0


def test_a_value_that_cannot_be_restored_keeps_the_journal(sysfs: Path, tmp_path: Path) -> None:
    knob, journal = parameter(sysfs), Journal(tmp_path)
    journal.write(knob, 0)
    knob.path.unlink()
    knob.path.mkdir()
    with pytest.raises(AgentError, match="not everything was restored"):
        journal.restore()
    assert journal.path.exists()
