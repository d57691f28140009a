/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest on ppc64le: little-endian real mode, as a PAPR partition, which has an interrupt
 * controller (XICS) when someone else is to interrupt it. Started with the mailbox's address in r3. Lives in
 * registers that neither hypercalls (PAPR, "hcall() overview": r0, r3 to r12) nor its interrupt
 * handlers (r20) touch:
 *
 *   r31  mailbox       r29  samples still to take
 *   r30  the sample    r28  exits left in the batch
 *   r27  MMIO_ADDRESS  r26  interrupts received before
 *
 * A vCPU that ticks is handed its struct peer, which is its sample, in r4.
 *
 * MFTB may be executed ahead of time, so ISYNC stands before it. Hypercalls, an aborted load and the
 * entry of an interrupt synchronise by themselves.
 */
#include "mailbox.h"
#include "ppc64le.h"

/* H_CONFER to all others: there is none, so KVM answers at once (book3s_hv.c). */
#define TO_ALL -1

#define DEC_NEVER_HIGH 0x7fff		/* the longest the decrementer goes without interrupt */
#define MSR_RI 2
#define MSR_EE 0x8000

/*
 * PAPR, "External Interrupt Facility": a server has one IPI, its number is 2, and it is pending
 * while the server's MFRR is more favoured (lower) than its CPPR.
 */
#define XICS_IPI	   2
#define PRIORITY_IPI	   4
#define PRIORITY_LEAST	   0xff
#define XISR_BITS	   24		/* the source, in the lower bits of XIRR */

	.macro	read_counter to
	isync
	mftb	\to
	.endm

	.macro	hypercall number
	li	%r3, \number
	sc	1
	.endm

	.macro	call_vmm number
	li	%r4, \number
	hypercall H_PUT_TERM_CHAR
	.endm

	.macro	count_up at		/* a field of the mailbox */
	ld	%r9, \at(%r31)
	addi	%r9, %r9, 1
	std	%r9, \at(%r31)
	.endm

	.macro	silence_timer		/* through r20 */
	lis	%r20, DEC_NEVER_HIGH
	mtdec	%r20
	.endm

	.macro	close_interrupts
	li	%r9, MSR_RI
	mtmsrd	%r9, 1			/* EE off, the rest as it was */
	.endm

	.macro	ring_doorbell		/* behind what was written before */
	sync
	stw	%r9, DOORBELL_ADDRESS - MMIO_ADDRESS(%r27)
	.endm

	/* A workload of batches: what stands between these two makes one exit. */
	.macro	batches name
\name:	read_counter %r9
	std	%r9, 0(%r30)
1:	ld	%r28, MB_BATCH(%r31)
2:
	.endm

	.macro	batches_end
	addic.	%r28, %r28, -1
	bne	2b
	read_counter %r9
	stdu	%r9, 8(%r30)
	count_up MB_COMPLETED
	addic.	%r29, %r29, -1
	bne	1b
	b	end
	.endm

	.macro	cheapest_exit
	li	%r4, TO_ALL
	hypercall H_CONFER
	.endm

	.section .rodata
	.balign	16
	.globl	guest_image, guest_image_end, guest_start, guest_peer, guest_ticker

/* Power ISA, Book III, "Interrupt Definitions": where they come in, in real mode. */
guest_image:
	.irp	vector, 0x100, 0x200, 0x300, 0x380, 0x400, 0x480
	.org	guest_image + \vector
	li	%r20, \vector
	b	fault
	.endr

	.org	guest_image + 0x500
	mftb	%r20
	ld	%r9, MB_WORKLOAD(%r31)
	cmpdi	%r9, WORKLOAD_IPI
	beq	on_ipi
	b	on_device

	.irp	vector, 0x600, 0x700, 0x800
	.org	guest_image + \vector
	li	%r20, \vector
	b	fault
	.endr

	.org	guest_image + 0x900
	mftb	%r20
	std	%r20, WAKEUP_WOKEN(%r30)
	silence_timer
	rfid

	.irp	vector, 0x980, 0xa00, 0xc00, 0xd00, 0xe40, 0xf00, 0xf20, 0xf40, 0xf60
	.org	guest_image + \vector
	li	%r20, \vector
	b	fault
	.endr

fault:	std	%r20, MB_FAULT(%r31)
	call_vmm CALL_FAULT
	b	.

	.org	guest_image + 0x1000
guest_start:
	mr	%r31, %r3
	lis	%r27, MMIO_ADDRESS@h
	silence_timer

	addi	%r30, %r31, MB_TABLE
	mr	%r9, %r30
	ld	%r10, MB_TABLE_BYTES(%r31)
	add	%r10, %r10, %r30
touch:	ld	%r11, 0(%r9)
	std	%r11, 0(%r9)
	addi	%r9, %r9, TOUCH_STEP
	cmpld	%r9, %r10
	blt	touch

	ld	%r9, MB_WORKLOAD(%r31)
	cmpdi	%r9, WORKLOAD_IPI
	bne	warm
1:	ld	%r9, MB_READY(%r31)
	cmpdi	%r9, 0
	beq	1b
warm:	call_vmm CALL_WARM

	read_counter %r9
	std	%r9, MB_START_BEFORE(%r31)
	call_vmm CALL_START
	read_counter %r9
	std	%r9, MB_START_AFTER(%r31)

	ld	%r29, MB_COUNT(%r31)
	ld	%r9, MB_WORKLOAD(%r31)
	sldi	%r9, %r9, 2
	li	%r10, workloads - guest_image
	lwax	%r9, %r9, %r10
	mtctr	%r9
	bctr

workloads:				/* by WORKLOAD_*; the image lies at 0 */
	.irp	name, halt, exit, userspace, hypercall, mmio, ipi, fpu, serve, serve, serve
	.long	\name - guest_image
	.endr

end:	read_counter %r9
	std	%r9, MB_END_BEFORE(%r31)
	call_vmm CALL_END
	read_counter %r9
	std	%r9, MB_END_AFTER(%r31)
	li	%r9, 1
	std	%r9, MB_OVER(%r31)
	call_vmm CALL_DONE
	b	.

halt:	ld	%r10, WAKEUP_TICKS(%r30)
	read_counter %r9
	mtdec	%r10
	std	%r9, WAKEUP_BEFORE(%r30)
	read_counter %r9
	std	%r9, WAKEUP_ARMED(%r30)
	/* H_CEDE opens interrupts (MSR[EE]) as it halts, and comes back with them open. */
wait:	hypercall H_CEDE
	close_interrupts
	ld	%r9, WAKEUP_WOKEN(%r30)
	cmpdi	%r9, 0
	beq	again
	count_up MB_COMPLETED
	addi	%r30, %r30, WAKEUP_SIZE
	addic.	%r29, %r29, -1
	bne	halt
	b	end
again:	count_up MB_SPURIOUS
	b	wait

serve:	li	%r4, PRIORITY_LEAST
	hypercall H_CPPR
	ring_doorbell
1:	read_counter %r9
	std	%r9, SERVICE_HALTED(%r30)
2:	hypercall H_CEDE
	close_interrupts
	count_up MB_SPURIOUS		/* else on_device had come between */
	b	2b

/* Not back to where it came from: hypercalls overwrite that (SRR0), and the halt is over. */
on_device:
	std	%r20, SERVICE_WOKEN(%r30)
	hypercall H_XIRR
	clrldi	%r9, %r4, 64 - XISR_BITS
	mr	%r20, %r9
	cmpdi	%r9, DEVICE_IRQ
	bne	fault
	hypercall H_EOI
	ld	%r9, MB_REQUEST(%r31)
	cmpdi	%r9, 0
	beq	end
	std	%r9, SERVICE_REQUEST(%r30)
	std	%r9, MB_ANSWER(%r31)
	count_up MB_COMPLETED
	read_counter %r9
	std	%r9, SERVICE_ANSWERED(%r30)
	addi	%r30, %r30, SERVICE_SIZE
	ring_doorbell
	addic.	%r29, %r29, -1
	bne	1b
	b	end

	batches exit
	cheapest_exit
	batches_end
	.set	hypercall, exit		/* the cheapest exit is one */

	batches userspace
	call_vmm CALL_ROUND_TRIP
	batches_end

	batches mmio
	lwz	%r3, 0(%r27)
	batches_end

	batches ipi
	ld	%r26, MB_RECEIVED(%r31)
	li	%r4, 1
	li	%r5, PRIORITY_IPI
	hypercall H_IPI
3:	ld	%r9, MB_RECEIVED(%r31)
	cmpd	%r9, %r26
	beq	3b
	batches_end

	/* VSR 32 to 63 are the VRs, and the upper halves of VSR 0 to 31 the FPRs. */
	batches fpu
	.set	n, 0
	.rept	32
	vspltisb n, 1
	xxlor	n, 32 + n, 32 + n
	.set	n, n + 1
	.endr
	cheapest_exit
	batches_end

guest_ticker:
	mr	%r31, %r3
	mr	%r30, %r4
	silence_timer
	call_vmm CALL_WARM
1:	li	%r9, 0
	std	%r9, WAKEUP_WOKEN(%r30)
	ld	%r10, WAKEUP_TICKS(%r30)
	mtdec	%r10
2:	hypercall H_CEDE
	close_interrupts
	ld	%r9, WAKEUP_WOKEN(%r30)
	cmpdi	%r9, 0
	beq	2b
	ld	%r9, PEER_WAKEUPS(%r30)
	addi	%r9, %r9, 1
	std	%r9, PEER_WAKEUPS(%r30)
	ld	%r9, MB_OVER(%r31)
	cmpdi	%r9, 0
	beq	1b
	call_vmm CALL_DONE
	b	.

guest_peer:
	mr	%r31, %r3
	silence_timer
	li	%r4, PRIORITY_LEAST
	hypercall H_CPPR
	call_vmm CALL_WARM
	li	%r9, 1
	std	%r9, MB_READY(%r31)
receive:
	li	%r9, MSR_RI
	ori	%r9, %r9, MSR_EE
	mtmsrd	%r9, 1
1:	ld	%r9, MB_OVER(%r31)
	cmpdi	%r9, 0
	beq	1b
	call_vmm CALL_DONE
	b	.

/* Back to the beginning of the loop: hypercalls overwrite where the interrupt came from (SRR0). */
on_ipi:	hypercall H_XIRR
	mr	%r20, %r4
	clrldi	%r9, %r20, 64 - XISR_BITS
	cmpdi	%r9, XICS_IPI
	bne	fault
	li	%r4, 1
	li	%r5, PRIORITY_LEAST
	hypercall H_IPI
	mr	%r4, %r20
	hypercall H_EOI
	count_up MB_RECEIVED
	b	receive
guest_image_end:

	.section .note.GNU-stack, "", %progbits
