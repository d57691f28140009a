"""arm64: the `virt` board with EL2, whose KVM is built in and uses VHE."""

from lab.emulation.emulator.qemu import Board, Qemu
from lab.emulation.machine import Elf, Machine

# Architected pointer authentication costs a block cipher per call and return under TCG.
CPU = "max,pauth-impdef=on"

MACHINE = Machine(
    architecture="arm64",
    debian="arm64",
    uname="aarch64",
    elf=Elf(machine=183),
    user_emulator="qemu-aarch64-static",
    user_cpu=CPU,
    suite="trixie",
    kernel_package="linux-image-cloud-arm64",
    kernel_suite="trixie",
    emulator=Qemu(
        Board(
            program="qemu-system-aarch64",
            machine="virt,virtualization=on,gic-version=3",
            cpu=CPU,
            console="ttyAMA0",
            # A resumed host now and then answers no login, with QEMU 7.2: one of two did not.
            resumes=False,
        )
    ),
    flavours={
        "pkvm": "dmesg | grep -qi 'protected.* nVHE mode initialized'",
        "nvhe": "dmesg | grep -q 'nVHE mode initialized'",
        "vhe": "dmesg | grep -q 'VHE mode initialized'",
    },
)
