/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest on s390x: 64-bit real mode, clock comparator, no device. Started with the mailbox's
 * address in %r2. Lives in registers:
 *
 *   %r2  mailbox       %r4  samples still to take
 *   %r3  the sample    %r5  exits left in the batch
 *
 * STCK, unlike STCKF, serialises before and after (Principles of Operation, "STORE CLOCK"), and
 * stores its 64 bits where they belong. It also never gives the same value twice.
 *
 * Interrupts are open nowhere but in the wait state, and only the clock comparator is allowed:
 * nothing else ends the wait, so spurious stays 0. The comparator is absolute: the interval runs
 * from the reading in WAKEUP_BEFORE. Where it is over already, a processor may take the interrupt
 * as it loads the wait PSW, so that KVM sees no halt; Hercules shows KVM every one.
 */
#include "mailbox.h"
#include "s390x.h"

/* Principles of Operation, "Assigned Storage Locations" and "External interruption codes". */
#define EXTERNAL_CODE	 0x86
#define PROGRAM_CODE	 0x8e
#define EXTERNAL_NEW_PSW 0x1b0
#define PROGRAM_NEW_PSW	 0x1d0
#define CODE_CLOCK_COMPARATOR 0x1004

/* From here to 0x11ff the page belongs to the program; base register 0 reaches it. */
#define OWN 0x200
#define COMPARATOR OWN
#define WAIT_PSW   (OWN + 8)

#define PSW_64_BITS	  0x0000000180000000
#define PSW_EXTERNAL_WAIT 0x0102000000000000

	.macro	call_vmm number
	lghi	%r1, \number
	diag	%r0, %r0, DIAG_CALL
	.endm

	.macro	count_up at		/* a field of the mailbox */
	lg	%r1, \at(%r2)
	aghi	%r1, 1
	stg	%r1, \at(%r2)
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
	call_vmm CALL_WARM

	stck	MB_START_BEFORE(%r2)
	call_vmm CALL_START
	stck	MB_START_AFTER(%r2)

	lg	%r4, MB_COUNT(%r2)
	lg	%r1, MB_WORKLOAD(%r2)
	cghi	%r1, WORKLOAD_HALT
	je	halt
	cghi	%r1, WORKLOAD_EXIT
	je	exit
	j	userspace

end:	stck	MB_END_BEFORE(%r2)
	call_vmm CALL_END
	stck	MB_END_AFTER(%r2)
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
	stck	WAKEUP_WOKEN(%r3)
	llgh	%r1, EXTERNAL_CODE
	cghi	%r1, CODE_CLOCK_COMPARATOR
	jne	fault
	count_up MB_COMPLETED
	aghi	%r3, WAKEUP_SIZE
	brctg	%r4, halt
	j	end

on_program:
	llgh	%r1, PROGRAM_CODE
fault:	stg	%r1, MB_FAULT(%r2)
	call_vmm CALL_FAULT
	j	.

exit:	stck	0(%r3)
1:	lg	%r5, MB_BATCH(%r2)
	lghi	%r1, 0			/* to itself: KVM has nothing to do */
2:	diag	%r1, %r0, DIAG_YIELD_TO
	brctg	%r5, 2b
	aghi	%r3, 8
	stck	0(%r3)
	count_up MB_COMPLETED
	brctg	%r4, 1b
	j	end

userspace:
	stck	0(%r3)
1:	lg	%r5, MB_BATCH(%r2)
2:	call_vmm CALL_ROUND_TRIP
	brctg	%r5, 2b
	aghi	%r3, 8
	stck	0(%r3)
	count_up MB_COMPLETED
	brctg	%r4, 1b
	j	end
guest_image_end:

	.section .note.GNU-stack, "", %progbits
