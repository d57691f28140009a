# SPDX-License-Identifier: GPL-2.0-only
#
# KVM_CREATE_VM wants page tables with guest storage keys (arch/s390/kvm, s390_enable_sie()); the
# program header PT_S390_PGSTE asks for them (arch/s390/include/asm/elf.h), in the place of the
# machine-wide sysctl vm.allocate_pgste.
FLAGS += -Wl,--s390-pgste
