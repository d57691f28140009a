/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What aarch64.c and aarch64.S agree on beyond the mailbox: where devices lie, all of them below
 * memory_base and so in the part of the address space that is mapped as device memory.
 */
#ifndef KVMLAB_AARCH64_H
#define KVMLAB_AARCH64_H

/*
 * The in-kernel GIC. GICv3: the redistributors of the vCPUs lie one behind the other; the CPU
 * interface is system registers. GICv2: the CPU interface is a page that each vCPU has for itself.
 */
#define GICD_BASE 0x08000000
#define GICC_BASE 0x08010000
#define GICR_BASE 0x080a0000

/* mailbox.features, by bit number */
#define FEATURE_GICV2 0 /* a GICv2, not a GICv3 */

/* Nothing lies here: a store or a load ends in the VMM. */
#define CALL_ADDRESS 0x09000000

/* An ioeventfd is here. */
#define DOORBELL_ADDRESS 0x09001000

/* The first of the interrupts that are not a vCPU's own: what GSI 0 is routed to (vgic-irqfd.c). */
#define DEVICE_INTID 32

/* From the image's beginning; the architecture wants 2 KiB of alignment. */
#define VECTORS_OFFSET 0x800

#endif
