/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What x86_64.c and x86_64.S agree on beyond the mailbox.
 */
#ifndef KVMLAB_X86_64_H
#define KVMLAB_X86_64_H

/* KVM's own devices take 0x20, 0xa0 and 0x4d0 (the PIC): an OUT to here ends in the VMM. */
#define CALL_PORT 0xf0

/* An OUT to here ends in the kernel, at an ioeventfd. */
#define DOORBELL_PORT 0xf1

/* No memory is here, and no device of KVM's, but the identity map reaches it. */
#define MMIO_ADDRESS 0x3ffff000

/* The first 32 vectors are the processor's, and the upper the more urgent. */
#define TIMER_VECTOR  0x40
#define IPI_VECTOR    0x50
#define DEVICE_VECTOR 0x60

/* mailbox.features */
#define FEATURE_VMMCALL 1 /* hypercalls by VMMCALL, not VMCALL */
#define FEATURE_AVX	2 /* YMM registers are switched on */

#endif
