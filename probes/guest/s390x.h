/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What s390x.c and s390x.S agree on beyond the mailbox.
 */
#ifndef KVMLAB_S390X_H
#define KVMLAB_S390X_H

/*
 * The function codes of DIAGNOSE (Documentation/virt/kvm/s390/s390-diag.rst). 0x9c is a directed
 * yield. 0x500 is the hypercall; KVM hands those it does not know to the VMM.
 */
#define DIAG_YIELD_TO 0x9c
#define DIAG_CALL     0x500

/* What a virtio-ccw guest says to notify a queue, here of a device and a queue made up. */
#define DIAG_CALL_NOTIFY 3
#define DEVICE_ID	 0x10001
#define DEVICE_QUEUE	 0

/* mailbox.features */
#define FEATURE_VECTOR 1 /* the vector facility is switched on */

/* From the image's beginning; behind the two pages that the processor shares with its program. */
#define START_OFFSET 0x2000
#define PEER_OFFSET  0x3000
#define TICK_OFFSET  0x3800

/* What the processor shares with its program; a vCPU that ticks has it elsewhere, by its prefix. */
#define LOWCORE_BYTES 0x2000

#endif
