"""A host's image: kernel, initramfs and an ext4 disk, assembled without mounting anything."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING

from lab.emulation.boot import Image
from lab.emulation.cache import obtain
from lab.emulation.commands import require, require_root, run
from lab.emulation.initramfs import initramfs
from lab.emulation.keys import Keys, public

if TYPE_CHECKING:
    from pathlib import Path

    from lab.emulation.boot import RootDevice
    from lab.emulation.kernel import KernelFiles

FORMAT = 4
SIZE = "4G"
# What a first boot would spend its time on under emulation, and no test host needs.
MASKED_UNITS = (
    "apt-daily-upgrade.timer",
    "apt-daily.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty.target",
    "getty@tty1.service",
    "kmod-static-nodes.service",
    "modprobe@.service",
    "proc-sys-fs-binfmt_misc.automount",
    "sys-fs-fuse-connections.mount",
    "sys-kernel-config.mount",
    "systemd-binfmt.service",
    "systemd-firstboot.service",
    "systemd-hwdb-update.service",
    "systemd-modules-load.service",
    "systemd-networkd-wait-online.service",
    "systemd-networkd.service",
    "systemd-networkd.socket",
    "systemd-pcrphase.service",
    "systemd-timesyncd.service",
    # Devices are known from the initramfs, and KVM's modules are loaded by name.
    "systemd-udev-trigger.service",
    "systemd-udev-load-credentials.service",
    "systemd-update-utmp.service",
)


def _files(keys: Keys) -> dict[str, tuple[int, str]]:
    """Path in the image -> mode and content, of what the lab adds to Debian.

    On an icount host an idle minute takes no time at all, so waiting for a client's next packet
    would run into every limit there is on patience: login grace, keep-alive, retransmissions.
    """
    return {
        "etc/hostname": (0o644, "kvmlab\n"),
        "etc/hosts": (0o644, "127.0.0.1 localhost\n"),
        "etc/fstab": (0o644, ""),
        "etc/machine-id": (0o444, "6b766d6c61620000000000000000cafe\n"),
        "etc/systemd/journald.conf.d/lab.conf": (0o644, "[Journal]\nStorage=volatile\n"),
        "etc/ssh/sshd_config.d/lab.conf": (
            0o644,
            """PermitRootLogin prohibit-password
PasswordAuthentication no
HostKey /etc/ssh/ssh_host_ed25519_key
UseDNS no
UsePAM no
MaxSessions 64
MaxStartups 64
LoginGraceTime 0
TCPKeepAlive no
""",
        ),
        "etc/sysctl.d/lab.conf": (0o644, "net.ipv4.tcp_retries2 = 255\n"),
        "etc/ssh/ssh_host_ed25519_key": (0o600, keys.host.read_text()),
        "etc/ssh/ssh_host_ed25519_key.pub": (0o644, public(keys.host)),
        "root/.ssh/authorized_keys": (0o600, public(keys.user)),
    }


def image_recipe(
    rootfs: Path, kernel: KernelFiles, root: RootDevice, keys: Keys
) -> dict[str, object]:
    files = {
        path: [mode, hashlib.sha256(content.encode()).hexdigest()]
        for path, (mode, content) in _files(keys).items()
    }
    return {
        "format": FORMAT,
        "rootfs": rootfs.parent.name,
        "kernel": kernel.tree.parent.name,
        "initramfs": hashlib.sha256(initramfs(kernel, root)).hexdigest(),
        "files": files,
        "masked": list(MASKED_UNITS),
        "size": SIZE,
    }


def obtain_image(
    rootfs: Path, kernel: KernelFiles, root: RootDevice, keys: Keys, *, fresh: bool = False
) -> Image:
    """Return the image of this root file system with this kernel, assembled if it must be."""

    def build(into: Path, log: Path) -> None:
        require_root("Assembling an image")
        require(["mkfs.ext4"], "Assembling an image")
        tree = into / "tree"
        tree.mkdir()
        what = "Assembling an image"
        run(["tar", "-C", str(tree), "-xpf", str(rootfs), "--numeric-owner"], what=what, log=log)
        shutil.copytree(kernel.tree, tree, symlinks=True, dirs_exist_ok=True)
        _furnish(tree, keys)
        disk = into / "disk.img"
        run(["truncate", "-s", SIZE, str(disk)], what=what, log=log)
        run(
            [
                *("nice", "-n", "19", "mkfs.ext4", "-q", "-F", "-L", "root"),
                # The seed feature is unknown to the older kernels a user may want to boot.
                *("-O", "^metadata_csum_seed", "-E", "lazy_itable_init=1,lazy_journal_init=1"),
                *("-d", str(tree), str(disk)),
            ],
            what=what,
            log=log,
        )
        shutil.copy(kernel.image, into / "kernel")
        (into / "initrd.img").write_bytes(initramfs(kernel, root))
        shutil.rmtree(tree)

    return Image(obtain("image", image_recipe(rootfs, kernel, root, keys), build, fresh=fresh))


def _furnish(tree: Path, keys: Keys) -> None:
    for old in tree.glob("etc/ssh/ssh_host_*"):
        old.unlink()
    for name, (mode, content) in _files(keys).items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(content)
        path.chmod(mode)
    (tree / "root/.ssh").chmod(0o700)
    for unit in MASKED_UNITS:
        path = tree / "etc/systemd/system" / unit
        path.unlink(missing_ok=True)
        path.symlink_to("/dev/null")
    # Newer than /usr, they spare the first boot ldconfig and the like: systemd-update-done(8).
    for folder in ("etc", "var"):
        (tree / folder / ".updated").touch()
