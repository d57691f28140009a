"""A VM that runs already is found by its name, asked at its address, and left as it is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from agent import domain, echo, linux, run
from agent.errors import AgentError, MissingError
from agent.knobs import catalog
from agent.probes import Probes
from agent.trials import Bench

pytestmark = [pytest.mark.needs("root", "kvm")]

PRIME = 97
NAME = "kvmlab-test-domain"
STANDIN = Path(__file__).with_name("fake_domain.py")


@contextmanager
def running(*options: str, name: str = NAME) -> Iterator[int]:
    """Run a stand-in of this name and give the port that it answers at."""
    words = [sys.executable, str(STANDIN), "-name", f"guest={name},debug-threads=on", *options]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def plan(port: int, **changes: Any) -> dict[str, Any]:
    workload = {
        "name": "w",
        "guest": "domain_rr",
        "count": PRIME,
        "interval": {"kind": "fixed", "ns": 10_000},
        "loop": "closed",
        "protocol": "udp",
        "domain": NAME,
        "address": "127.0.0.1",
        "port": port,
        **changes,
    }
    return {"setting": {}, "workload": workload, "seed": 1, "probes": ["phases"]}


@pytest.fixture
def bench(vmm: Path, tmp_path: Path) -> Bench:
    folder = tmp_path / "runs" / "a"
    folder.mkdir(parents=True)
    workloads = {"domain_rr": {"reason": None}}
    return Bench(vmm, workloads, Probes(), catalog(tmp_path), None, folder, None, 30)  # type: ignore[arg-type]


def test_it_is_asked_and_its_vcpus_are_told(bench: Bench) -> None:
    with running() as port:
        row = bench.trial(plan(port))
    assert row["status"] == "ok", row["reason"]
    guest = row["guest"]
    counted = [guest["requests"][name] for name in ("sent", "replies")]
    assert [*counted, guest["completed"], len(guest["round_trip_ns"])] == 4 * [PRIME]
    (vcpu,) = guest["vcpus"]
    assert vcpu["id"] == 0
    assert 0 < vcpu["cpu_ns"] == guest["cpu"]["vcpu_ns"] <= guest["wall_ns"]
    # Nothing watched it, whatever the plan says.
    assert (row["haltpoll"], row["phases"], guest["stats"]) == (None, None, None)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--silent", "answered nothing over UDP at 127.0.0.1 port"),
        ("--nameless", "threads of kvmlab-test-domain do not say which of them are vCPUs"),
    ],
)
def test_what_it_lacks_is_one_sentence(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, options: str, sentence: str
) -> None:
    monkeypatch.setattr(echo, "PATIENCE_S", 0.1)
    with running(options) as port:
        row = bench.trial(plan(port))
    assert row["status"] == "missing"
    assert sentence in row["reason"]


def test_one_that_is_not_there_or_twice_is_named(bench: Bench) -> None:
    with running(name="other") as port:
        row = bench.trial(plan(port))
        assert f"no VM called {NAME} runs on this host: start it (running: " in row["reason"]
        assert "other" in row["reason"]
    with running(), running(), pytest.raises(MissingError, match=f"2 VMs .* called {NAME}"):
        domain.named(NAME)


def test_the_one_that_is_asked_is_no_foreign_vm() -> None:
    with running() as port:
        asked = plan(port)
        run._refuse_foreign_vms({"trials": [asked], "allow_foreign_vms": False})
        asked["workload"]["domain"] = "another"
        with pytest.raises(AgentError, match="other VMs run on this host"):
            run._refuse_foreign_vms({"trials": [asked], "allow_foreign_vms": False})


@pytest.mark.parametrize("knob", ["vm.halt_poll_ns", "guest.halt_poll_ns"])
def test_a_knob_of_its_start_is_inert(bench: Bench, knob: str) -> None:
    row = bench.trial({**plan(7), "setting": {knob: 0}})
    assert (row["status"], row["guest"]) == ("inert", None)
    assert "this one ran before the trial" in row["reason"]


def test_every_host_has_the_workload(vmm: Path) -> None:
    assert linux.describe(vmm)["workloads"]["domain_rr"]["reason"] is None
