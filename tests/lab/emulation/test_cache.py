from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from lab.emulation.cache import RECIPE, digest, obtain, place, prune
from lab.emulation.machine import architectures, machine
from lab.emulation.rootfs import rootfs_recipe
from lab.errors import FleetError
from lab.paths import cache_root


def _write(into: Path, _log: Path) -> None:
    (into / "made").write_text("x")


def test_the_cache_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_root() == tmp_path / "kvmlab"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_root() == Path.home() / ".cache" / "kvmlab"


def test_a_recipe_is_its_content() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})


def test_root_file_systems_differ_by_architecture_and_suite() -> None:
    recipes = {
        digest(rootfs_recipe(machine(name), suite))
        for name in architectures()
        for suite in ("bookworm", "trixie")
    }
    assert len(recipes) == 2 * len(architectures())


def test_root_file_systems_differ_by_packages_beside_the_common_ones() -> None:
    common, own = (
        digest(rootfs_recipe(machine("x86_64"), "trixie", packages))
        for packages in ((), ("bpftrace",))
    )
    assert common != own
    assert common == digest(rootfs_recipe(machine("x86_64"), "trixie", ("python3-bpfcc",)))


@pytest.mark.usefixtures("cache")
def test_a_recipe_is_built_once() -> None:
    built = []

    def build(into: Path, log: Path) -> None:
        built.append(into)
        _write(into, log)

    first, second = obtain("thing", {"a": 1}, build), obtain("thing", {"a": 1}, build)
    assert first == second
    assert (first / "made").exists()
    assert len(built) == 1
    obtain("thing", {"a": 1}, build, fresh=True)
    assert len(built) == 2


@pytest.mark.usefixtures("cache")
def test_the_leftover_of_a_killed_build_is_cleared() -> None:
    leftover = place("thing", {"a": 1}).with_suffix(".partial")
    leftover.mkdir(parents=True)
    (leftover / "half").touch()
    made = obtain("thing", {"a": 1}, _write)
    assert not (made / "half").exists()
    assert not leftover.exists()


@pytest.mark.usefixtures("cache")
def test_a_failed_build_leaves_nothing_but_its_log() -> None:
    def build(_into: Path, log: Path) -> None:
        log.write_text("why")
        raise FleetError("no")

    with pytest.raises(FleetError):
        obtain("thing", {"a": 1}, build)
    left = sorted(path.suffix for path in place("thing", {"a": 1}).parent.iterdir())
    assert left == [".lock", ".log"]


@pytest.mark.usefixtures("cache")
def test_a_full_disk_is_one_sentence_with_a_remedy() -> None:
    def build(_into: Path, _log: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(FleetError, match="is full: make room there, or point XDG_CACHE_HOME"):
        obtain("thing", {"a": 1}, build)


@pytest.mark.usefixtures("cache")
def test_what_nothing_asks_for_goes_and_the_rest_stays() -> None:
    old, new = obtain("thing", {"a": 1}, _write), obtain("thing", {"a": 2}, _write)
    os.utime(old / RECIPE, (0, 0))
    assert prune("thing", days=30) == [old]
    assert not old.exists()
    assert new.exists()
