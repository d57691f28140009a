"""The files that show a change again; `git bisect run` is real, kernels and lab are not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from lab import alerts
from lab.alerts import Alert, Book
from lab.alerts.reproduce import read_change, write
from lab.emulation import load_fleet
from lab.errors import UsageError
from lab.history.store import Store
from tests.alerts import NEW_KERNEL, SINCE, Night, change

COMMITS, BAD, UNBUILT, UNBOOTED, NOISY = 16, 11, 4, 12, 9


@pytest.fixture
def suspected(store: Store) -> Alert:
    """Alert that came with a new kernel."""
    alerts.update(store, SINCE, [change()], Night({SINCE: NEW_KERNEL}))
    return Book.read(store)["A1"]


@pytest.fixture
def emulated(store: Store) -> Alert:
    found = change(host="icount-x86", clock_class="icount")
    alerts.update(store, SINCE, [found], Night({SINCE: NEW_KERNEL}))
    return Book.read(store)["A1"]


def executable(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(0o755)


@pytest.fixture
def linux(tmp_path: Path) -> Path:
    """Repository of COMMITS kernels, each of which says its number and what is wrong with it."""
    tree = tmp_path / "linux"
    tree.mkdir()
    script = ["git init -q -b main", "git config user.email t@t", "git config user.name t"]
    for number in range(COMMITS):
        script += [f"echo {number} >number", "git add number", f"git commit -qm {number}"]
        script += ["git tag v6.1.106"] if number == 0 else []
    script += ["git tag v6.1.112"]
    subprocess.run(["sh", "-ec", "\n".join(script)], cwd=tree, check=True)
    return tree


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Stand-ins for make, ssh, dpkg and the lab; `log` says what they were asked."""
    folder = tmp_path / "bin"
    folder.mkdir()
    log = tmp_path / "log"
    executable(
        folder / "make",
        f"""
echo "make $*" >>{log}
case "$*" in
*tar-pkg*)
    [ "$(cat number)" != {UNBUILT} ] || exit 2
    mkdir -p pkg/lib/modules/6.1.0-$(cat number) pkg/boot
    tar -cf linux-6.1.0-x86.tar -C pkg lib boot
    rm -r pkg ;;
esac
""",
    )
    # What is booted is remembered as the host would.
    executable(
        folder / "kvmlab",
        f"""
echo "kvmlab $*" >>{log}
case "$*" in
"fleet up"*)
    tree=$(sed -n 's/^tree = "\\(.*\\)"/\\1/p' "$5")
    ls "$tree/lib/modules" >{tmp_path}/booted
    ! grep -qx 6.1.0-{UNBOOTED} {tmp_path}/booted ;;
*" run "*)
    mkdir -p "$2/20260101-000000-cell" ;;
"alerts judge"*)
    number=$(sed 's/6.1.0-//' {tmp_path}/booted)
    [ "$number" != {NOISY} ] || exit 4
    [ "$number" -lt {BAD} ] ;;
esac
""",
    )
    executable(
        folder / "ssh",
        f"""
shift 2
echo "ssh $*" >>{log}
case "$*" in
*"tar -C /"*) tar -xO -f - lib >/dev/null ;;
*"kexec --load"*) echo "$*" | sed 's/.*vmlinuz-\\(6.1.0-[0-9]*\\).*/\\1/' >{tmp_path}/next ;;
*"systemctl kexec"*)
    date +%N >{tmp_path}/boot_id
    if grep -qx 6.1.0-{UNBOOTED} {tmp_path}/next; then echo 6.1.0-rescue >{tmp_path}/booted
    else cp {tmp_path}/next {tmp_path}/booted; fi ;;
*boot_id*) cat {tmp_path}/boot_id ;;
*"uname -r"*) cat {tmp_path}/booted ;;
esac
""",
    )
    executable(folder / "sleep", "")
    (tmp_path / "boot_id").write_text("first\n")
    return folder


def bisected(linux: Path, script: Path, programs: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "KVMLAB": str(programs / "kvmlab"),
    }
    subprocess.run(["git", "bisect", "start", "v6.1.112", "v6.1.106"], cwd=linux, check=True)
    return subprocess.run(
        ["git", "bisect", "run", script],
        cwd=linux,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("kind", ["suspected", "emulated"])
def test_git_bisect_finds_the_commit(
    request: pytest.FixtureRequest, kind: str, linux: Path, programs: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "it's here"
    write(request.getfixturevalue(kind), folder)
    (folder / "config").write_text("CONFIG_KVM=m\n")
    answer = bisected(linux, folder / "bisect.sh", programs)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    found = re.search(r"^(\w+) is the first bad commit", answer.stdout, re.MULTILINE)
    assert found, answer.stdout + answer.stderr
    subject = ["git", "log", "-1", "--format=%s", found[1]]
    told = subprocess.run(subject, cwd=linux, capture_output=True, text=True, check=True).stdout
    assert told.strip() == str(BAD)
    asked = (tmp_path / "log").read_text()
    host = "bisect" if kind == "emulated" else "synthetic-a"
    assert f"cell.toml --hosts {host}" in asked
    ups, downs = asked.count("kvmlab fleet up"), asked.count("kvmlab fleet down")
    assert (ups > 0, ups) == (kind == "emulated", downs)


def test_a_fault_of_the_set_up_stops_the_bisection(
    emulated: Alert, linux: Path, programs: Path, tmp_path: Path
) -> None:
    write(emulated, tmp_path / "A1")
    answer = bisected(linux, tmp_path / "A1" / "bisect.sh", programs)
    assert answer.returncode != 0
    assert "copy the host's /boot/config-* there, or set CONFIG" in answer.stderr + answer.stdout


@pytest.mark.parametrize("kind", ["suspected", "emulated"])
def test_shellcheck_finds_nothing(
    request: pytest.FixtureRequest, kind: str, tmp_path: Path
) -> None:
    if not shutil.which("shellcheck"):
        pytest.fail("shellcheck is not installed: `make test` does it with playbooks/develop.yml")
    write(request.getfixturevalue(kind), tmp_path)
    script = tmp_path / "bisect.sh"
    answer = subprocess.run(["shellcheck", script], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout


def test_the_emulated_host_is_like_the_alert_s(emulated: Alert, tmp_path: Path) -> None:
    write(emulated, tmp_path)
    script = (tmp_path / "bisect.sh").read_text()
    table = script.partition("<<FLEET\n")[2].partition("\nFLEET")[0]
    tree = tmp_path / "tree"
    tree.mkdir()
    (tmp_path / "fleet.toml").write_text(table.replace("$work/tree", str(tree)))
    mine, its = load_fleet(tmp_path / "fleet.toml")["bisect"], load_fleet()["icount-x86"]
    assert mine.kernel.tree == tree
    assert replace(mine, name="", port=0, kernel=its.kernel) == replace(its, name="", port=0)


def test_without_a_new_kernel_there_is_nothing_to_bisect(confirmed: Alert, tmp_path: Path) -> None:
    assert [path.name for path in write(confirmed, tmp_path)] == ["cell.toml", "change.json"]


def test_a_change_is_read_back_as_it_was_written(confirmed: Alert, tmp_path: Path) -> None:
    write(confirmed, tmp_path)
    assert read_change(tmp_path / "change.json") == confirmed.changes[0]
    assert read_change(tmp_path / "change.json").cell == confirmed.changes[0].cell
    with pytest.raises(UsageError, match="cell.toml is no change of an alert"):
        read_change(tmp_path / "cell.toml")


def test_an_emulated_host_that_no_fleet_has_is_named(store: Store, tmp_path: Path) -> None:
    found = change(host="mars", clock_class="emulated")
    alerts.update(store, SINCE, [found], Night({SINCE: NEW_KERNEL}))
    with pytest.raises(UsageError, match="the fleet has no host mars: pass the fleet file"):
        write(Book.read(store)["A1"], tmp_path)


def test_a_night_in_trouble_has_nothing_to_see_again(store: Store, tmp_path: Path) -> None:
    alerts.trouble(store, SINCE, "no host answered")
    with pytest.raises(UsageError, match="it has no measurement"):
        write(Book.read(store)["A1"], tmp_path)
