/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What ppc64le.c and ppc64le.S agree on beyond the mailbox.
 */
#ifndef KVMLAB_PPC64LE_H
#define KVMLAB_PPC64LE_H

/* Linux on Power Architecture Reference, "hcall() functions". KVM hands the first to the VMM. */
#define H_PUT_TERM_CHAR 0x58
#define H_CEDE		0xe0
#define H_CONFER	0xe4

/* From the image's beginning; behind the interrupt vectors. */
#define START_OFFSET 0x1000

#endif
