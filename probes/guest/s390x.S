/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest on s390x: 64-bit real mode, clock comparator, no device. Started with the mailbox's
 * address in %r2. Lives in registers:
 *
 *   %r2  mailbox       %r4  samples still to take
 *   %r3  the sample    %r5  exits left in the batch
 *
 * A vCPU that ticks is handed its struct peer, which is its sample, in %r3, and has 1 in %r9.
 *
 * STCK, unlike STCKF, serialises before and after (Principles of Operation, "STORE CLOCK"), and
 * stores its 64 bits where they belong. It also never gives the same value twice.
 *
 * On vCPU 0 interrupts are open nowhere but in the wait state, and only the clock comparator is
 * allowed: nothing else ends the wait, so spurious stays 0. The comparator is absolute: the interval runs
 * from the reading in WAKEUP_BEFORE. Where it is over already, a processor may take the interrupt
 * as it loads the wait PSW, so that KVM sees no halt; Hercules shows KVM every one.
 */
#include "mailbox.h"
#include "s390x.h"

	.machine "z13"			/* for the vector registers, used where there are any */

/* Principles of Operation, "Assigned Storage Locations" and "External interruption codes". */
#define EXTERNAL_CODE	 0x86
#define PROGRAM_CODE	 0x8e
#define EXTERNAL_OLD_PSW 0x130
#define EXTERNAL_NEW_PSW 0x1b0
#define PROGRAM_NEW_PSW	 0x1d0
#define CODE_CLOCK_COMPARATOR 0x1004
#define CODE_EXTERNAL_CALL    0x1202
#define CODE_SERVICE_SIGNAL   0x2401

/* "SIGNAL PROCESSOR". */
#define ORDER_EXTERNAL_CALL 2

/* From here to 0x11ff the page belongs to the program; base register 0 reaches it. */
#define OWN 0x200
#define COMPARATOR OWN
#define WAIT_PSW   (OWN + 8)
#define WOKEN	   (OWN + 24)
#define MASK	   (OWN + 32)

#define PSW_64_BITS	  0x0000000180000000
#define PSW_EXTERNAL_WAIT 0x0102000000000000
#define SYSTEM_MASK_EXTERNAL 0x01

	.macro	call_vmm number
	lghi	%r1, \number
	diag	%r0, %r0, DIAG_CALL
	.endm

	.macro	ring_doorbell		/* %r2 to %r4 are its, and it answers in %r2 */
	lgr	%r6, %r2
	lgr	%r7, %r3
	lgr	%r8, %r4
	lghi	%r1, DIAG_CALL_NOTIFY
	lgfi	%r2, DEVICE_ID
	lghi	%r3, DEVICE_QUEUE
	lghi	%r4, 0
	diag	%r0, %r0, DIAG_CALL
	lgr	%r2, %r6
	lgr	%r3, %r7
	lgr	%r4, %r8
	.endm

	.macro	count_up at		/* a field of the mailbox */
	lg	%r1, \at(%r2)
	aghi	%r1, 1
	stg	%r1, \at(%r2)
	.endm

	/* A workload of batches: what stands between these two makes one exit. */
	.macro	batches name
\name:	stck	0(%r3)
1:	lg	%r5, MB_BATCH(%r2)
2:
	.endm

	.macro	batches_end
	brctg	%r5, 2b
	aghi	%r3, 8
	stck	0(%r3)
	count_up MB_COMPLETED
	brctg	%r4, 1b
	j	end
	.endm

	.macro	cheapest_exit		/* to itself: KVM has nothing to do */
	lghi	%r1, 0
	diag	%r1, %r0, DIAG_YIELD_TO
	.endm

	.section .rodata
	.balign	16
	.globl	guest_image, guest_image_end

guest_image:
	.org	guest_image + EXTERNAL_NEW_PSW
	.quad	PSW_64_BITS, on_external - guest_image
	.org	guest_image + PROGRAM_NEW_PSW
	.quad	PSW_64_BITS, on_program - guest_image
	.org	guest_image + WAIT_PSW
	.quad	PSW_64_BITS + PSW_EXTERNAL_WAIT, 0

	.org	guest_image + START_OFFSET
	lay	%r3, MB_TABLE(%r2)
	lgr	%r1, %r3
	lg	%r5, MB_TABLE_BYTES(%r2)
	agr	%r5, %r3
touch:	lg	%r0, 0(%r1)
	stg	%r0, 0(%r1)
	aghi	%r1, TOUCH_STEP
	clgr	%r1, %r5
	jl	touch
	lg	%r1, MB_WORKLOAD(%r2)
	cghi	%r1, WORKLOAD_IPI
	jne	warm
1:	lg	%r1, MB_READY(%r2)
	cghi	%r1, 0
	je	1b
warm:	call_vmm CALL_WARM

	stck	MB_START_BEFORE(%r2)
	call_vmm CALL_START
	stck	MB_START_AFTER(%r2)

	lg	%r4, MB_COUNT(%r2)
	lg	%r1, MB_WORKLOAD(%r2)
	sllg	%r1, %r1, 2
	larl	%r5, workloads
	lgf	%r1, 0(%r1, %r5)
	agr	%r1, %r5
	br	%r1

	.balign	8
workloads:				/* by WORKLOAD_*; there is no mmio */
	.irp	name, halt, exit, userspace, exit, end, ipi, fpu, serve, serve, serve
	.long	\name - workloads
	.endr

end:	stck	MB_END_BEFORE(%r2)
	call_vmm CALL_END
	stck	MB_END_AFTER(%r2)
	mvghi	MB_OVER(%r2), 1
	call_vmm CALL_DONE
	j	.

halt:	stck	WAKEUP_BEFORE(%r3)
	lg	%r1, WAKEUP_BEFORE(%r3)
	ag	%r1, WAKEUP_TICKS(%r3)
	stg	%r1, COMPARATOR
	sckc	COMPARATOR
	stck	WAKEUP_ARMED(%r3)
	lpswe	WAIT_PSW

on_external:
	stck	WOKEN
	llgh	%r0, EXTERNAL_CODE
	cghi	%r0, CODE_EXTERNAL_CALL
	je	on_call
	cghi	%r0, CODE_SERVICE_SIGNAL
	je	on_service
	cghi	%r0, CODE_CLOCK_COMPARATOR
	jne	fault
	mvc	WAKEUP_WOKEN(8, %r3), WOKEN
	cghi	%r9, 1
	je	on_tick
	count_up MB_COMPLETED
	aghi	%r3, WAKEUP_SIZE
	brctg	%r4, halt
	j	end

serve:	ring_doorbell
1:	stck	SERVICE_HALTED(%r3)
	lpswe	WAIT_PSW
on_service:
	mvc	SERVICE_WOKEN(8, %r3), WOKEN
	lg	%r1, MB_REQUEST(%r2)
	ltgr	%r1, %r1
	jz	end
	stg	%r1, SERVICE_REQUEST(%r3)
	stg	%r1, MB_ANSWER(%r2)
	count_up MB_COMPLETED
	stck	SERVICE_ANSWERED(%r3)
	aghi	%r3, SERVICE_SIZE
	ring_doorbell
	brctg	%r4, 1b
	j	end

on_program:
	llgh	%r0, PROGRAM_CODE
fault:	stg	%r0, MB_FAULT(%r2)
	call_vmm CALL_FAULT
	j	.

	batches exit
	cheapest_exit
	batches_end

	batches userspace
	call_vmm CALL_ROUND_TRIP
	batches_end

	batches ipi
	lg	%r0, MB_RECEIVED(%r2)
	lghi	%r1, 1			/* the address of vCPU 1 */
	sigp	%r0, %r1, ORDER_EXTERNAL_CALL
	jnz	refused
3:	cg	%r0, MB_RECEIVED(%r2)
	je	3b
	batches_end

refused:
	lghi	%r0, CODE_EXTERNAL_CALL
	j	fault

	batches fpu
	tm	MB_FEATURES + 7(%r2), FEATURE_VECTOR
	jnz	3f
	.irp	register, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	ld	%f\register, 0(%r2)
	.endr
	j	4f
3:	.irp	register, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, \
		16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	vl	%v\register, 0(%r2)
	.endr
4:	cheapest_exit
	batches_end

	.org	guest_image + PEER_OFFSET
	call_vmm CALL_WARM
	mvghi	MB_READY(%r2), 1
	stosm	MASK, SYSTEM_MASK_EXTERNAL
1:	lg	%r1, MB_OVER(%r2)
	cghi	%r1, 0
	je	1b
	call_vmm CALL_DONE
	j	.

	.org	guest_image + TICK_OFFSET
	call_vmm CALL_WARM
1:	stck	COMPARATOR
	lg	%r1, COMPARATOR
	ag	%r1, WAKEUP_TICKS(%r3)
	stg	%r1, COMPARATOR
	sckc	COMPARATOR
	lpswe	WAIT_PSW
on_tick:
	agsi	PEER_WAKEUPS(%r3), 1
	lg	%r1, MB_OVER(%r2)
	cghi	%r1, 0
	je	1b
	call_vmm CALL_DONE
	j	.

on_call:				/* must leave %r1 to the loop above */
	agsi	MB_RECEIVED(%r2), 1
	lpswe	EXTERNAL_OLD_PSW
guest_image_end:

	.section .note.GNU-stack, "", %progbits
