/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What ppc64le.c and ppc64le.S agree on beyond the mailbox.
 */
#ifndef KVMLAB_PPC64LE_H
#define KVMLAB_PPC64LE_H

/* Linux on Power Architecture Reference, "hcall() functions". KVM hands the first to the VMM. */
#define H_PUT_TERM_CHAR 0x58
#define H_EOI		0x64
#define H_CPPR		0x68
#define H_IPI		0x6c
#define H_XIRR		0x74
#define H_CEDE		0xe0
#define H_CONFER	0xe4

/* Nothing lies here: a load ends in the VMM. */
#define MMIO_ADDRESS 0x40000000

/* An ioeventfd is here. */
#define DOORBELL_ADDRESS 0x40001000

/* Of the XICS's sources, which begin behind those of the IPIs (16). */
#define DEVICE_IRQ 0x1001

#endif
