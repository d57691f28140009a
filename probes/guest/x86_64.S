/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest on x86-64: 64-bit mode, identity mapped, interrupts through the in-kernel x2APIC.
 * Started with the mailbox's address in %rdi. Lives in registers that no interrupt handler touches:
 *
 *   %rdi  mailbox      %r12  samples still to take
 *   %r14  the sample   %r13  exits left in the batch
 *
 * RDTSC is not ordered by itself, but here it always stands beside an instruction that exits
 * (WRMSR of the timer, CPUID, OUT) or at the entry of an interrupt, and both of these are. LFENCE
 * and RDTSCP are left out: software KVMs emulate the guest, and not all of them know these.
 */
#include "mailbox.h"
#include "x86_64.h"

/* Intel SDM vol. 3, table "Local APIC Register Address Map Supported by x2APIC". */
#define X2APIC_EOI  0x80b
#define X2APIC_SVR  0x80f
#define X2APIC_LVTT 0x832
#define X2APIC_TMICT 0x838
#define X2APIC_TDCR 0x83e

#define SVR_ENABLED     0x1ff
#define TDCR_DIVIDE_BY_1 0xb

	.macro	write_msr msr, value
	mov	$\msr, %ecx
	mov	$\value, %eax
	xor	%edx, %edx
	wrmsr
	.endm

	.macro	read_counter		/* to %rax */
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	.endm

	.macro	call_vmm number
	mov	$\number, %eax
	out	%al, $CALL_PORT
	.endm

	.section .rodata
	.balign	16
	.globl	guest_image, guest_image_end, guest_start, guest_on_timer
	.code64

guest_image:
guest_start:
	write_msr X2APIC_SVR, SVR_ENABLED
	write_msr X2APIC_TDCR, TDCR_DIVIDE_BY_1
	write_msr X2APIC_LVTT, TIMER_VECTOR	/* one-shot, not masked */

	lea	MB_TABLE(%rdi), %r14
	mov	%r14, %rax
	mov	%r14, %rbx
	add	MB_TABLE_BYTES(%rdi), %rbx
touch:	mov	(%rax), %rdx
	mov	%rdx, (%rax)
	add	$TOUCH_STEP, %rax
	cmp	%rbx, %rax
	jb	touch
	call_vmm CALL_WARM

	read_counter
	mov	%rax, MB_START_BEFORE(%rdi)
	call_vmm CALL_START
	read_counter
	mov	%rax, MB_START_AFTER(%rdi)

	mov	MB_COUNT(%rdi), %r12
	mov	MB_WORKLOAD(%rdi), %rax
	cmp	$WORKLOAD_HALT, %rax
	je	halt
	cmp	$WORKLOAD_EXIT, %rax
	je	exit
	jmp	userspace

end:	read_counter
	mov	%rax, MB_END_BEFORE(%rdi)
	call_vmm CALL_END
	read_counter
	mov	%rax, MB_END_AFTER(%rdi)
	call_vmm CALL_DONE
	jmp	.

halt:	read_counter
	mov	%rax, WAKEUP_BEFORE(%r14)
	mov	WAKEUP_TICKS(%r14), %eax
	xor	%edx, %edx
	mov	$X2APIC_TMICT, %ecx
	wrmsr
	read_counter
	mov	%rax, WAKEUP_ARMED(%r14)
	/* Interrupts open only after the instruction behind STI: the timer cannot slip between. */
wait:	sti
	hlt
	cli
	cmpq	$0, WAKEUP_WOKEN(%r14)
	je	again
	incq	MB_COMPLETED(%rdi)
	add	$WAKEUP_SIZE, %r14
	dec	%r12
	jnz	halt
	jmp	end
again:	incq	MB_SPURIOUS(%rdi)
	jmp	wait

guest_on_timer:
	read_counter
	mov	%rax, WAKEUP_WOKEN(%r14)
	write_msr X2APIC_EOI, 0
	iretq

exit:	read_counter
	mov	%rax, (%r14)
1:	mov	MB_BATCH(%rdi), %r13
2:	xor	%eax, %eax
	xor	%ecx, %ecx
	cpuid
	dec	%r13
	jnz	2b
	add	$8, %r14
	read_counter
	mov	%rax, (%r14)
	incq	MB_COMPLETED(%rdi)
	dec	%r12
	jnz	1b
	jmp	end

userspace:
	read_counter
	mov	%rax, (%r14)
1:	mov	MB_BATCH(%rdi), %r13
2:	call_vmm CALL_ROUND_TRIP
	dec	%r13
	jnz	2b
	add	$8, %r14
	read_counter
	mov	%rax, (%r14)
	incq	MB_COMPLETED(%rdi)
	dec	%r12
	jnz	1b
	jmp	end
guest_image_end:

	.section .note.GNU-stack, "", %progbits
