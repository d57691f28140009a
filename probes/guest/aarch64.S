/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest on arm64: EL1, identity mapped, interrupts through the in-kernel GIC. Started with
 * the mailbox's address in x0. Lives in registers that neither its interrupt handler nor the SMC
 * Calling Convention touches:
 *
 *   x19  mailbox           x21  samples still to take
 *   x20  the sample        x22  exits left in the batch
 *   x23  CALL_ADDRESS      x24  mailbox.features
 *
 * A vCPU that ticks is handed its struct peer in x1, which is its sample, and its number in x2.
 *
 * CNTVCT_EL0 may be read ahead of time, so ISB stands before it. HVC, an aborted load or store, a
 * trapped MSR and the entry of an interrupt synchronise by themselves.
 *
 * The comparator is absolute: the interval runs from the reading in WAKEUP_BEFORE, not from the
 * write.
 *
 * An interrupt that the CPU sees makes WFI a no-op that does not trap, however it is masked in
 * PSTATE. So the GIC's CPU interface holds interrupts back until WFI is over: the CPU sees none, WFI
 * traps, and KVM, which looks at what is pending and enabled in the distributor
 * and at the priority mask, but not at this switch (vgic.c, kvm_vgic_vcpu_pending_irq), wakes the
 * vCPU at once when the timer has fired already.
 */
#include "aarch64.h"
#include "mailbox.h"

/* Arm IHI 0069 (GICv3), the register maps of distributor and redistributor. */
#define GICD_CTLR	    0x0000
#define GICD_CTLR_ARE_GRP1  0x12
#define GICD_IGROUPR1	    0x0084
#define GICD_IROUTER	    0x6000
#define GICR_BYTES	    0x20000
#define GICR_SGI_FRAME	    0x10000	/* for what is a vCPU's own: SGIs and PPIs */
#define GICR_IGROUPR0	    0x0080
#define GICR_ISENABLER0	    0x0100
#define PRIORITY_MASK_NONE  0xff

/* Arm IHI 0048 (GICv2), the register maps of distributor and CPU interface. */
#define GICD_CTLR_ENABLE    1
#define GICD_ISENABLER0	    0x100	/* each vCPU has its own */
#define GICD_ISENABLER1	    0x104	/* from here on in both versions, but for the targets */
#define GICD_ICFGR2	    0xc08
#define ICFGR_EDGE	    2
#define GICD_ITARGETSR	    0x800
#define GICD_SGIR	    0xf00
#define GICC_CTLR	    0x00
#define GICC_PMR	    0x04
#define GICC_IAR	    0x0c
#define GICC_EOIR	    0x10

/* The virtual timer's PPI, where KVM has it unless told otherwise (Arm BSA, "PPI assignments"). */
#define TIMER_INTID 27

/* An SGI, which ICC_SGI1R_EL1 and GICD_SGIR take with its number and the list of those it is for. */
#define IPI_INTID	0
#define SGI1R_IPI_VCPU1 (IPI_INTID << 24 | 1 << 1)
#define SGIR_IPI_VCPU1	(1 << (16 + 1) | IPI_INTID)

/* Arm DEN 0028, "Arm Architecture Calls": the kernel answers it with a constant. */
#define SMCCC_VERSION 0x80000000

#define IRQ_MASK 2			/* of the immediate of DAIFSet and DAIFClr */

	.macro	read_counter to
	isb
	mrs	\to, cntvct_el0
	.endm

	.macro	if_gicv2 to
	tbnz	x24, FEATURE_GICV2, \to
	.endm

	/* One that is the vCPU's own, for itself; the CPU interface lets every priority pass. */
	.macro	enable_interrupt intid, vcpu	/* its number, in a register */
	mov	w10, 1 << \intid
	mov	w11, PRIORITY_MASK_NONE
	if_gicv2 7f
	mov	x9, GICR_BYTES
	mov	x12, GICR_BASE + GICR_SGI_FRAME
	madd	x9, \vcpu, x9, x12
	str	w10, [x9, GICR_IGROUPR0]
	str	w10, [x9, GICR_ISENABLER0]
	msr	icc_pmr_el1, x11
	b	8f
7:	mov	x9, GICD_BASE
	str	w10, [x9, GICD_ISENABLER0]
	mov	x9, GICC_BASE
	str	w11, [x9, GICC_PMR]
8:
	.endm

	/* The device's, an edge, for vCPU 0. */
	.macro	enable_device
	mov	x9, GICD_BASE
	mov	w10, ICFGR_EDGE
	str	w10, [x9, GICD_ICFGR2]
	mov	w10, 1
	if_gicv2 7f
	str	w10, [x9, GICD_IGROUPR1]
	add	x12, x9, GICD_IROUTER
	str	xzr, [x12, 8 * DEVICE_INTID]
	b	8f
7:	strb	w10, [x9, GICD_ITARGETSR + DEVICE_INTID]
8:	str	w10, [x9, GICD_ISENABLER1]
	.endm

	/* Whether the CPU interface lets interrupts pass: 1 or 0. */
	.macro	pass_interrupts whether
	mov	x9, \whether
	if_gicv2 7f
	msr	icc_igrpen1_el1, x9
	b	8f
7:	mov	x10, GICC_BASE
	str	w9, [x10, GICC_CTLR]
	dsb	sy
8:	isb
	.endm

	/* To x13: the interrupt's number; with a GICv2's SGI also who sent it, and vCPU 0 is 0. */
	.macro	acknowledge
	if_gicv2 7f
	mrs	x13, icc_iar1_el1
	b	8f
7:	mov	x14, GICC_BASE
	ldr	w13, [x14, GICC_IAR]
8:
	.endm

	.macro	end_interrupt		/* what x13 has from its acknowledgement */
	if_gicv2 7f
	msr	icc_eoir1_el1, x13
	b	8f
7:	mov	x14, GICC_BASE
	str	w13, [x14, GICC_EOIR]
	dsb	sy
8:	isb
	.endm

	/* Until an interrupt is there, and take it. */
	.macro	halt_and_take
	wfi
	pass_interrupts 1
	msr	daifclr, IRQ_MASK
	isb
	msr	daifset, IRQ_MASK
	pass_interrupts 0
	.endm

	.macro	ring_doorbell
	str	wzr, [x23, DOORBELL_ADDRESS - CALL_ADDRESS]
	.endm

	.macro	call_vmm number
	mov	w0, \number
	str	w0, [x23]
	.endm

	.macro	count_up at		/* a field of the mailbox */
	ldr	x9, [x19, \at]
	add	x9, x9, 1
	str	x9, [x19, \at]
	.endm

	/* A workload of batches: what stands between these two makes one exit. */
	.macro	batches name
\name:	read_counter x9
	str	x9, [x20]
1:	ldr	x22, [x19, MB_BATCH]
2:
	.endm

	.macro	batches_end
	subs	x22, x22, 1
	b.ne	2b
	read_counter x9
	str	x9, [x20, 8]!
	count_up MB_COMPLETED
	subs	x21, x21, 1
	b.ne	1b
	b	end
	.endm

	.macro	cheapest_exit
	mov	w0, SMCCC_VERSION
	hvc	0
	.endm

	.macro	dirty vector
	movi	v\vector\().16b, 1
	.endm

	.section .rodata
	.balign	16
	.globl	guest_image, guest_image_end, guest_start, guest_peer, guest_ticker

guest_image:
guest_start:
	mov	x19, x0
	mov	x23, CALL_ADDRESS

	ldr	x24, [x19, MB_FEATURES]

	mov	x9, GICD_BASE
	mov	w10, GICD_CTLR_ARE_GRP1
	mov	w11, GICD_CTLR_ENABLE
	tst	x24, 1 << FEATURE_GICV2
	csel	w10, w10, w11, eq
	str	w10, [x9, GICD_CTLR]
	enable_interrupt TIMER_INTID, xzr
	enable_device
	pass_interrupts 0

	add	x20, x19, MB_TABLE
	mov	x9, x20
	ldr	x10, [x19, MB_TABLE_BYTES]
	add	x10, x10, x20
touch:	ldr	x11, [x9]
	str	x11, [x9]
	add	x9, x9, TOUCH_STEP
	cmp	x9, x10
	b.lo	touch

	ldr	x9, [x19, MB_WORKLOAD]
	cmp	x9, WORKLOAD_IPI
	b.ne	warm
1:	ldr	x9, [x19, MB_READY]
	cbz	x9, 1b
warm:	call_vmm CALL_WARM

	read_counter x9
	str	x9, [x19, MB_START_BEFORE]
	call_vmm CALL_START
	read_counter x9
	str	x9, [x19, MB_START_AFTER]

	ldr	x21, [x19, MB_COUNT]
	ldr	x9, [x19, MB_WORKLOAD]
	adr	x10, workloads
	ldrsw	x9, [x10, x9, lsl 2]
	add	x9, x9, x10
	br	x9

workloads:				/* by WORKLOAD_* */
	.irp	name, halt, exit, userspace, hypercall, mmio, ipi, fpu, serve, serve, serve
	.long	\name - workloads
	.endr

end:	read_counter x9
	str	x9, [x19, MB_END_BEFORE]
	call_vmm CALL_END
	read_counter x9
	str	x9, [x19, MB_END_AFTER]
	mov	x9, 1
	str	x9, [x19, MB_OVER]
	call_vmm CALL_DONE
	b	.

halt:	ldr	x10, [x20, WAKEUP_TICKS]
	mov	x11, 1			/* enabled, not masked */
	read_counter x9
	add	x10, x10, x9
	msr	cntv_cval_el0, x10
	msr	cntv_ctl_el0, x11
	str	x9, [x20, WAKEUP_BEFORE]
	read_counter x9
	str	x9, [x20, WAKEUP_ARMED]
wait:	halt_and_take
	ldr	x9, [x20, WAKEUP_WOKEN]
	cbz	x9, again
	count_up MB_COMPLETED
	add	x20, x20, WAKEUP_SIZE
	subs	x21, x21, 1
	b.ne	halt
	b	end
again:	count_up MB_SPURIOUS
	b	wait

serve:	ring_doorbell
1:	read_counter x9
	str	x9, [x20, SERVICE_HALTED]
2:	halt_and_take
	ldr	x9, [x20, SERVICE_WOKEN]
	cbz	x9, 3f
	ldr	x9, [x19, MB_REQUEST]
	cbz	x9, end
	str	x9, [x20, SERVICE_REQUEST]
	str	x9, [x19, MB_ANSWER]
	count_up MB_COMPLETED
	read_counter x9
	str	x9, [x20, SERVICE_ANSWERED]
	add	x20, x20, SERVICE_SIZE
	ring_doorbell
	subs	x21, x21, 1
	b.ne	1b
	b	end
3:	count_up MB_SPURIOUS
	b	2b

on_interrupt:
	mrs	x12, cntvct_el0
	str	x12, [x20, WAKEUP_WOKEN]
	acknowledge
	cmp	x13, DEVICE_INTID
	b.eq	1f
	cmp	x13, TIMER_INTID
	b.ne	fault
	msr	cntv_ctl_el0, xzr	/* its line is a level, to be lowered before the EOI */
	isb
1:	end_interrupt
	eret

on_exception:
	mrs	x13, esr_el1
fault:	str	x13, [x19, MB_FAULT]
	call_vmm CALL_FAULT
	b	.

	batches exit
	cheapest_exit
	batches_end
	.set	hypercall, exit		/* the cheapest exit is one */

	batches userspace
	call_vmm CALL_ROUND_TRIP
	batches_end

	batches mmio
	ldr	w0, [x23]
	batches_end

	batches ipi
	ldr	x10, [x19, MB_RECEIVED]
	if_gicv2 4f
	mov	x9, SGI1R_IPI_VCPU1
	msr	icc_sgi1r_el1, x9
3:	ldr	x9, [x19, MB_RECEIVED]
	cmp	x9, x10
	b.eq	3b
	batches_end
4:	mov	x9, GICD_BASE
	mov	w11, SGIR_IPI_VCPU1
	str	w11, [x9, GICD_SGIR]
	b	3b

	batches fpu
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	dirty	\n
	.endr
	cheapest_exit
	batches_end

guest_ticker:
	mov	x19, x0
	mov	x20, x1
	mov	x23, CALL_ADDRESS
	ldr	x24, [x19, MB_FEATURES]
	enable_interrupt TIMER_INTID, x2
	pass_interrupts 0
	call_vmm CALL_WARM
1:	str	xzr, [x20, WAKEUP_WOKEN]
	ldr	x10, [x20, WAKEUP_TICKS]
	read_counter x9
	add	x10, x10, x9
	mov	x11, 1			/* enabled, not masked */
	msr	cntv_cval_el0, x10
	msr	cntv_ctl_el0, x11
	isb
2:	halt_and_take
	ldr	x9, [x20, WAKEUP_WOKEN]
	cbz	x9, 2b
	ldr	x9, [x20, PEER_WAKEUPS]
	add	x9, x9, 1
	str	x9, [x20, PEER_WAKEUPS]
	ldr	x9, [x19, MB_OVER]
	cbz	x9, 1b
	call_vmm CALL_DONE
	b	.

/* On SP_EL0, so that its interrupts come to a vector of their own. */
guest_peer:
	mov	x19, x0
	mov	x23, CALL_ADDRESS
	ldr	x24, [x19, MB_FEATURES]
	msr	spsel, 0
	mov	x2, 1
	enable_interrupt IPI_INTID, x2
	pass_interrupts 1
	call_vmm CALL_WARM
	msr	daifclr, IRQ_MASK
	mov	x9, 1
	str	x9, [x19, MB_READY]
1:	ldr	x10, [x19, MB_OVER]
	cbz	x10, 1b
	call_vmm CALL_DONE
	b	.

on_ipi:	acknowledge
	cmp	x13, IPI_INTID
	b.ne	fault
	end_interrupt
	count_up MB_RECEIVED
	eret

/* Arm ARM, "Exception vectors": from EL1, an IRQ comes to 0x080 on SP_EL0 and to 0x280 on SP_EL1. */
	.macro	vector offset, target
	.org	guest_image + VECTORS_OFFSET + \offset
	b	\target
	.endm

	vector	0x000, on_exception
	vector	0x080, on_ipi
	.irp	offset, 0x100, 0x180, 0x200
	vector	\offset, on_exception
	.endr
	vector	0x280, on_interrupt
	.irp	offset, 0x300, 0x380, 0x400, 0x480, 0x500, 0x580, 0x600, 0x680, 0x700, 0x780
	vector	\offset, on_exception
	.endr
guest_image_end:

	.section .note.GNU-stack, "", %progbits
