"""The initramfs of a Linux guest holds its init and the modules it loads, in order."""

from __future__ import annotations

import lzma
import shutil
import subprocess
from pathlib import Path

import pytest
from agent import initramfs
from agent.early_userspace import load_order

DEPENDENCIES = """\
kernel/drivers/net/virtio_net.ko.xz: kernel/drivers/net/net_failover.ko.xz kernel/net/failover.ko
kernel/drivers/net/net_failover.ko.xz: kernel/net/failover.ko
kernel/net/failover.ko:
kernel/fs/other.ko:
"""
MODULES = {
    "kernel/drivers/net/virtio_net.ko.xz": b"card",
    "kernel/drivers/net/net_failover.ko.xz": b"standby",
    "kernel/net/failover.ko": b"failover",
}


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    (tmp_path / "modules.dep").write_text(DEPENDENCIES)
    for name, content in MODULES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(lzma.compress(content) if path.suffix == ".xz" else content)
    return tmp_path


def unpacked(archive: bytes, into: Path) -> dict[str, bytes]:
    if not shutil.which("cpio"):
        pytest.skip("cpio, which unpacks what the lab packed, is not installed")
    into.mkdir()
    subprocess.run(["cpio", "--quiet", "-id"], input=archive, cwd=into, check=True)
    return {
        str(path.relative_to(into)): path.read_bytes() for path in into.rglob("*") if path.is_file()
    }


def test_what_a_module_needs_is_loaded_before_it() -> None:
    # What is not in the index is built in.
    assert load_order(DEPENDENCIES, ("virtio_pci", "virtio_net")) == [
        "kernel/net/failover.ko",
        "kernel/drivers/net/net_failover.ko.xz",
        "kernel/drivers/net/virtio_net.ko.xz",
    ]


def test_cpio_unpacks_it(modules: Path, tmp_path: Path) -> None:
    files = unpacked(
        initramfs.build(b"init itself", modules, initramfs.NETWORK_CARD), tmp_path / "root"
    )
    assert files == {
        "init": b"init itself",
        "modules/order": b"".join(
            b"/modules/%s.ko\n" % name for name in (b"failover", b"net_failover", b"virtio_net")
        ),
        "modules/failover.ko": b"failover",
        "modules/net_failover.ko": b"standby",
        "modules/virtio_net.ko": b"card",
    }
    assert (tmp_path / "root/init").stat().st_mode & 0o111
    assert (tmp_path / "root/proc").is_dir()


def test_a_kernel_without_modules_has_everything_built_in(tmp_path: Path) -> None:
    files = unpacked(
        initramfs.build(b"init", tmp_path / "nowhere", initramfs.NETWORK_CARD), tmp_path / "root"
    )
    assert files == {"init": b"init", "modules/order": b""}
