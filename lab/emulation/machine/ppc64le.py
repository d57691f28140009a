"""ppc64le: QEMU's pseries is the first hypervisor, and KVM-HV inside runs nested (v1) on it."""

from lab.emulation.emulator.qemu import Board, Qemu
from lab.emulation.machine import Elf, Machine

MACHINE = Machine(
    architecture="ppc64le",
    debian="ppc64el",
    uname="ppc64le",
    elf=Elf(machine=21),
    user_emulator="qemu-ppc64le-static",
    # Debian 13 has no bcc for ppc64el.
    suite="bookworm",
    kernel_package="linux-image-powerpc64le",
    # Debian 12's kernel has no BTF here, which the probes read types from.
    kernel_suite="trixie",
    emulator=Qemu(
        Board(
            program="qemu-system-ppc64",
            machine="pseries,cap-nested-hv=on",
            cpu="power9",
            console="hvc0",
            # QEMU 7.2 does not save what KVM-HV told it of its guests (the partition table), and
            # several processors do not come back at all.
            resumes=False,
        )
    ),
    kvm_ioctls=0x2000AE00,
    kvm_modules=("kvm_hv", "kvm_pr"),
    flavours={
        "hv-p9": "test -d /sys/module/kvm_hv && grep -q POWER9 /proc/cpuinfo",
        "hv-p8": "test -d /sys/module/kvm_hv && grep -q POWER8 /proc/cpuinfo",
        "pr": "test -d /sys/module/kvm_pr",
    },
)
