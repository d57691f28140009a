/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest on ppc64le: little-endian real mode, as a PAPR partition, no interrupt controller.
 * Started with the mailbox's address in r3. Lives in registers that neither hypercalls (PAPR,
 * "hcall() overview": r0, r3 to r12) nor its interrupt handler (r20) touch:
 *
 *   r31  mailbox       r29  samples still to take
 *   r30  the sample    r28  exits left in the batch
 *
 * MFTB may be executed ahead of time, so ISYNC stands before it. Hypercalls and the entry of an
 * interrupt synchronise by themselves.
 */
#include "mailbox.h"
#include "ppc64le.h"

/* H_CONFER to all others: there is none, so KVM answers at once (book3s_hv.c). */
#define TO_ALL -1

#define DEC_NEVER_HIGH 0x7fff		/* the longest the decrementer goes without interrupt */
#define MSR_RI 2

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

	.section .rodata
	.balign	16
	.globl	guest_image, guest_image_end

/* Power ISA, Book III, "Interrupt Definitions": where they come in, in real mode. */
guest_image:
	.irp	vector, 0x100, 0x200, 0x300, 0x380, 0x400, 0x480, 0x500, 0x600, 0x700, 0x800
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

	.org	guest_image + START_OFFSET
	mr	%r31, %r3
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
	call_vmm CALL_WARM

	read_counter %r9
	std	%r9, MB_START_BEFORE(%r31)
	call_vmm CALL_START
	read_counter %r9
	std	%r9, MB_START_AFTER(%r31)

	ld	%r29, MB_COUNT(%r31)
	ld	%r9, MB_WORKLOAD(%r31)
	cmpdi	%r9, WORKLOAD_HALT
	beq	halt
	cmpdi	%r9, WORKLOAD_EXIT
	beq	exit
	b	userspace

end:	read_counter %r9
	std	%r9, MB_END_BEFORE(%r31)
	call_vmm CALL_END
	read_counter %r9
	std	%r9, MB_END_AFTER(%r31)
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
	li	%r9, MSR_RI
	mtmsrd	%r9, 1			/* EE off, the rest as it was */
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

exit:	read_counter %r9
	std	%r9, 0(%r30)
1:	ld	%r28, MB_BATCH(%r31)
2:	li	%r4, TO_ALL
	hypercall H_CONFER
	addic.	%r28, %r28, -1
	bne	2b
	read_counter %r9
	stdu	%r9, 8(%r30)
	count_up MB_COMPLETED
	addic.	%r29, %r29, -1
	bne	1b
	b	end

userspace:
	read_counter %r9
	std	%r9, 0(%r30)
1:	ld	%r28, MB_BATCH(%r31)
2:	call_vmm CALL_ROUND_TRIP
	addic.	%r28, %r28, -1
	bne	2b
	read_counter %r9
	stdu	%r9, 8(%r30)
	count_up MB_COMPLETED
	addic.	%r29, %r29, -1
	bne	1b
	b	end
guest_image_end:

	.section .note.GNU-stack, "", %progbits
