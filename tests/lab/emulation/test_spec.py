from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lab.emulation import Clock, Host, choose, group, load_fleet
from lab.emulation.machine import machine
from lab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Load = Callable[[str], dict[str, Host]]

X86 = '[hosts.one]\narchitecture = "x86_64"\nport = 42301\n'


def test_the_shipped_fleet_has_four_architectures_and_icount_hosts_of_three() -> None:
    hosts = load_fleet()
    assert {hosts[name].architecture for name in ("emu-x86", "emu-arm64")} == {"x86_64", "arm64"}
    assert len(choose(hosts, ("emu",))) == 4
    icount = choose(hosts, ("icount",))
    assert {host.clock for host in icount} == {Clock.ICOUNT}
    assert len({host.architecture for host in icount}) == 3


def test_the_shipped_fleet_has_two_hosts_that_differ_in_the_kernel_alone() -> None:
    hosts = load_fleet()
    one, other = hosts["icount-x86"], hosts["icount-x86-bookworm"]
    assert one.kernel != other.kernel
    assert replace(other, name=one.name, port=one.port, kernel=one.kernel) == one


def test_a_host_left_bare_takes_its_architectures_defaults(fleet_of: Load) -> None:
    host = fleet_of(X86)["one"]
    its = machine("x86_64")
    assert (host.suite, host.kernel.package) == (its.suite, its.kernel_package)
    assert group(host) == "emu"


def test_a_host_has_packages_of_its_own(fleet_of: Load) -> None:
    assert fleet_of(X86)["one"].packages == ()
    assert fleet_of(X86 + 'packages = ["bpftrace"]\n')["one"].packages == ("bpftrace",)


def test_a_kernel_of_another_suite_keeps_the_package(fleet_of: Load) -> None:
    kernel = fleet_of(X86 + 'kernel.suite = "forky"\n')["one"].kernel
    assert (kernel.package, kernel.suite) == (machine("x86_64").kernel_package, "forky")


def test_a_kernel_of_ones_own_is_found_beside_the_file(fleet_of: Load, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    kernel = fleet_of(X86 + 'kernel.tree = "own"\n')["one"].kernel
    assert kernel.tree == tmp_path / "own"
    assert kernel.package == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"fleet\.toml: hosts is missing: add it"),
        ("[hosts]\n", r"hosts"),
        ("hosts = [", r"is not TOML"),
        ("[hosts.a]\nport = 42301\n", r"hosts\.a\.architecture is missing"),
        ('[hosts.a]\narchitecture = "vax"\nport = 42301\n', r"hosts\.a .*'vax'.*use one of arm64"),
        ('[hosts.a]\narchitecture = "x86_64"\n', r"hosts\.a needs a port"),
        ('[hosts.a]\narchitecture = "s390x"\nport = 42301\n', r"leave port out"),
        ('[hosts.a]\narchitecture = "s390x"\nclock = "icount"\n', r"cannot give: use emulated"),
        (X86 + 'clock = "icount"\ncpus = 2\n', r"set cpus = 1"),
        (X86 + "cpus = 0\n", r"hosts\.one\.cpus is 0"),
        (X86 + "memory = 12\n", r"hosts\.one\.memory is not a key"),
        (X86 + 'clock = "wall"\n', r"hosts\.one\.clock is 'wall'"),
        (X86 + 'kernel = {suite = "sid", tree = "x"}\n', r"kernel .*keep one"),
        (X86 + 'kernel.tree = "absent"\n', r"names .*absent, which does not exist"),
        (X86 + X86.replace("one", "two"), r"hosts\.two\.port is 42301, as is that of one"),
    ],
)
def test_a_mistake_is_one_sentence_with_file_key_and_remedy(
    fleet_of: Load, text: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        fleet_of(text)
    assert "fleet.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.toml cannot be read .*--fleet"):
        load_fleet(tmp_path / "none.toml")


def test_an_unknown_host_gets_the_names_there_are(fleet_of: Load) -> None:
    with pytest.raises(UsageError, match="no host or group 'tow': it has one"):
        choose(fleet_of(X86), ("tow",))
