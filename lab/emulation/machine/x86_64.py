"""x86-64: TCG's `max` has SVM with nested paging, so KVM is kvm_amd."""

from lab.emulation.emulator.qemu import Board, Qemu
from lab.emulation.machine import Elf, Machine

MACHINE = Machine(
    architecture="x86_64",
    debian="amd64",
    uname="x86_64",
    elf=Elf(machine=62),
    user_emulator="qemu-x86_64-static",
    suite="trixie",
    kernel_package="linux-image-cloud-amd64",
    kernel_suite="trixie",
    emulator=Qemu(
        Board(
            program="qemu-system-x86_64",
            machine="q35",
            # QEMU 7.2's cmpxchg16b now and then corrupts the flags, and the kernel's slab allocator
            # lives on it: boots end in faults with an EFLAGS that is half a pointer.
            cpu="max,cx16=off",
            # A kernel that attaches a tracepoint patches its own code by way of an int3. With a
            # thread for each vCPU, TCG now and then runs one that memory no longer has: "Oops:
            # int3", in the midst of a run. The price is paid by guests with interrupt handlers of
            # some length, real Linux ones: KVM injects an interrupt with VMRUN, QEMU 7.2 delivers
            # it and leaves it noted (helper_vmrun(), SVM_EVTINJ_TYPE_INTR: exception_index stays),
            # and when the processors' turn ends before the guest exits, it delivers it again, flags
            # or no flags; a Linux guest then spins on a lock that it holds. A host with one
            # processor takes no turns: boot Linux guests there (cpus = 1).
            threads="single",
            console="ttyS0",
            resumes=True,
            reboots=True,
        )
    ),
    kvm_modules=("kvm_amd", "kvm_intel"),
    flavours={"svm": "test -d /sys/module/kvm_amd", "vmx": "test -d /sys/module/kvm_intel"},
)
