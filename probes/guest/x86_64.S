/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest on x86-64: 64-bit mode, identity mapped, interrupts through the in-kernel x2APIC.
 * Started with the mailbox's address in %rdi. Lives in registers that no interrupt handler touches:
 *
 *   %rdi  mailbox      %r12  samples still to take
 *   %r14  the sample   %r13  exits left in the batch
 * A vCPU that ticks has its struct peer in %r14 from the start.
 *
 * RDTSC is not ordered by itself, but here it always stands beside an instruction that exits
 * (WRMSR of the timer, CPUID, OUT …) or at the entry of an interrupt, and both of these are; behind
 * the spin of ipi it may run ahead by a load. LFENCE and RDTSCP are left out: software KVMs emulate
 * the guest, and not all of them know these.
 */
#include "mailbox.h"
#include "x86_64.h"

/* Intel SDM vol. 3, table "Local APIC Register Address Map Supported by x2APIC". */
#define X2APIC_EOI  0x80b
#define X2APIC_SVR  0x80f
#define X2APIC_ICR  0x830
#define X2APIC_LVTT 0x832
#define X2APIC_TMICT 0x838
#define X2APIC_TDCR 0x83e

#define SVR_ENABLED     0x1ff
#define TDCR_DIVIDE_BY_1 0xb

/* KVM_HC_VAPIC_POLL_IRQ (Documentation/virt/kvm/x86/hypercalls.rst): does nothing, answers 0. */
#define HYPERCALL_NOTHING 1

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

	.macro	set_up_timer
	write_msr X2APIC_SVR, SVR_ENABLED
	write_msr X2APIC_TDCR, TDCR_DIVIDE_BY_1
	write_msr X2APIC_LVTT, TIMER_VECTOR	/* one-shot, not masked */
	.endm

	.macro	arm_timer		/* with the ticks of the sample */
	mov	WAKEUP_TICKS(%r14), %eax
	xor	%edx, %edx
	mov	$X2APIC_TMICT, %ecx
	wrmsr
	.endm

	.macro	call_vmm number
	mov	$\number, %eax
	out	%al, $CALL_PORT
	.endm

	.macro	ring_doorbell
	out	%al, $DOORBELL_PORT
	.endm

	/* A workload of batches: what stands between these two makes one exit. */
	.macro	batches name
\name:	read_counter
	mov	%rax, (%r14)
1:	mov	MB_BATCH(%rdi), %r13
2:
	.endm

	.macro	batches_end
	dec	%r13
	jnz	2b
	add	$8, %r14
	read_counter
	mov	%rax, (%r14)
	incq	MB_COMPLETED(%rdi)
	dec	%r12
	jnz	1b
	jmp	end
	.endm

	.macro	cheapest_exit
	xor	%eax, %eax
	xor	%ecx, %ecx
	cpuid
	.endm

	.section .rodata
	.balign	16
	.globl	guest_image, guest_image_end
	.globl	guest_start, guest_peer, guest_ticker, guest_on_wakeup, guest_on_ipi
	.code64

guest_image:
guest_start:
	set_up_timer

	lea	MB_TABLE(%rdi), %r14
	mov	%r14, %rax
	mov	%r14, %rbx
	add	MB_TABLE_BYTES(%rdi), %rbx
touch:	mov	(%rax), %rdx
	mov	%rdx, (%rax)
	add	$TOUCH_STEP, %rax
	cmp	%rbx, %rax
	jb	touch
	cmpl	$WORKLOAD_IPI, MB_WORKLOAD(%rdi)
	jne	warm
1:	cmpq	$0, MB_READY(%rdi)
	je	1b
warm:	call_vmm CALL_WARM

	read_counter
	mov	%rax, MB_START_BEFORE(%rdi)
	call_vmm CALL_START
	read_counter
	mov	%rax, MB_START_AFTER(%rdi)

	mov	MB_COUNT(%rdi), %r12
	mov	MB_WORKLOAD(%rdi), %rax
	lea	workloads(%rip), %rcx
	movslq	(%rcx, %rax, 4), %rax
	add	%rcx, %rax
	jmp	*%rax

workloads:				/* by WORKLOAD_* */
	.irp	name, halt, exit, userspace, hypercall, mmio, ipi, fpu, serve, serve, serve
	.long	\name - workloads
	.endr

end:	read_counter
	mov	%rax, MB_END_BEFORE(%rdi)
	call_vmm CALL_END
	read_counter
	mov	%rax, MB_END_AFTER(%rdi)
	movq	$1, MB_OVER(%rdi)
	call_vmm CALL_DONE
	jmp	.

halt:	read_counter
	mov	%rax, WAKEUP_BEFORE(%r14)
	arm_timer
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

guest_on_wakeup:
	read_counter
	mov	%rax, WAKEUP_WOKEN(%r14)
	write_msr X2APIC_EOI, 0
	iretq

serve:	ring_doorbell
1:	read_counter
	mov	%rax, SERVICE_HALTED(%r14)
2:	sti
	hlt
	cli
	cmpq	$0, SERVICE_WOKEN(%r14)
	je	3f
	mov	MB_REQUEST(%rdi), %rax
	test	%rax, %rax
	jz	end
	mov	%rax, SERVICE_REQUEST(%r14)
	mov	%rax, MB_ANSWER(%rdi)
	incq	MB_COMPLETED(%rdi)
	read_counter
	mov	%rax, SERVICE_ANSWERED(%r14)
	add	$SERVICE_SIZE, %r14
	ring_doorbell
	dec	%r12
	jnz	1b
	jmp	end
3:	incq	MB_SPURIOUS(%rdi)
	jmp	2b

	batches exit
	cheapest_exit
	batches_end

	batches userspace
	call_vmm CALL_ROUND_TRIP
	batches_end

	batches hypercall
	mov	$HYPERCALL_NOTHING, %eax
	testb	$FEATURE_VMMCALL, MB_FEATURES(%rdi)
	jnz	3f
	vmcall
	jmp	4f
3:	vmmcall
4:
	batches_end

	batches mmio
	mov	MMIO_ADDRESS, %eax
	batches_end

	batches ipi
	mov	MB_RECEIVED(%rdi), %rbx
	mov	$X2APIC_ICR, %ecx
	mov	$IPI_VECTOR, %eax
	mov	$1, %edx		/* to the APIC of vCPU 1 */
	wrmsr
3:	cmp	MB_RECEIVED(%rdi), %rbx
	je	3b
	batches_end

	/* The mailbox's head has no zeroes: XSAVE would leave out registers that hold nothing else. */
	batches fpu
	testb	$FEATURE_AVX, MB_FEATURES(%rdi)
	jnz	3f
	.irp	register, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movdqu	(%rdi), %xmm\register
	.endr
	jmp	4f
3:	.irp	register, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vmovdqu	(%rdi), %ymm\register
	.endr
4:	cheapest_exit
	batches_end

guest_peer:
	write_msr X2APIC_SVR, SVR_ENABLED
	call_vmm CALL_WARM
	movq	$1, MB_READY(%rdi)
	sti
1:	cmpq	$0, MB_OVER(%rdi)
	je	1b
	cli
	call_vmm CALL_DONE
	jmp	.

guest_ticker:
	set_up_timer
	call_vmm CALL_WARM
1:	movq	$0, WAKEUP_WOKEN(%r14)
	arm_timer
2:	sti
	hlt
	cli
	cmpq	$0, WAKEUP_WOKEN(%r14)
	je	2b
	incq	PEER_WAKEUPS(%r14)
	cmpq	$0, MB_OVER(%rdi)
	je	1b
	call_vmm CALL_DONE
	jmp	.

guest_on_ipi:
	write_msr X2APIC_EOI, 0
	incq	MB_RECEIVED(%rdi)
	iretq
guest_image_end:

	.section .note.GNU-stack, "", %progbits
