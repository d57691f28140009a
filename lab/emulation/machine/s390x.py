"""s390x: under Hercules, which has SIE; QEMU's s390x has none, so no KVM guests run there."""

from lab.emulation.emulator.hercules import Hercules
from lab.emulation.machine import Elf, Machine

MACHINE = Machine(
    architecture="s390x",
    debian="s390x",
    uname="s390x",
    elf=Elf(machine=22, big_endian=True),
    user_emulator="qemu-s390x-static",
    suite="trixie",
    kernel_package="linux-image-s390x",
    kernel_suite="trixie",
    emulator=Hercules(model="2097"),
    kvm_modules=("kvm",),
    flavours={"sie": "test -d /sys/module/kvm"},
    # KVM needs page tables of 4 KiB, which a process gets only if this was set before it started.
    kernel_arguments=("sysctl.vm.allocate_pgste=1",),
)
