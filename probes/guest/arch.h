/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The protocol of an architecture: one `const struct arch arch` in <arch>.c and one guest in
 * <arch>.S, where <arch> is `uname -m`. The Makefile links exactly one pair; nothing else knows
 * which. Functions end the process with fail() when KVM refuses.
 *
 * The guest in <arch>.S is position independent and goes to memory_base as it is, from
 * guest_image to guest_image_end, so vectors can be placed with .org. It starts with the mailbox's
 * guest address in a register and does, in this order:
 *
 *   set up its timer and interrupt; write to every TOUCH_STEP of the table, so that no page fault
 *   falls into a measurement; CALL_WARM;
 *   start_before = counter; CALL_START; start_after = counter;
 *   the workload;
 *   end_before = counter; CALL_END; end_after = counter; CALL_DONE.
 *
 * halt: for each struct wakeup, with interrupts off: before = counter; arm the one-shot timer with
 *   ticks; armed = counter; then wait for an interrupt in the way that cannot miss one. The
 *   handler's first act is to read the counter into woken. Back without woken: spurious += 1, and
 *   wait again. Otherwise completed += 1. An interrupt must find the vCPU halted even when it was
 *   already pending, so that halts = completed + spurious.
 * the others: stamp[0] = counter; for each sample, `batch` exits, stamp[i + 1] = counter,
 *   completed += 1. Each exit is one exit of the vCPU, so that they can be counted:
 *   exit       the cheapest that the kernel handles by itself;
 *   hypercall  a call to the hypervisor that the kernel answers by itself;
 *   userspace  CALL_ROUND_TRIP;
 *   mmio       a load from where no memory is, which the VMM answers;
 *   fpu        writes to all vector registers, or without any to those of floating point, something
 *              that is not their initial state; then the exit of `exit`;
 *   ipi        sends an interrupt to vCPU 1 and spins until received says it was handled.
 *
 * net_rr, net_stream, disk_rr: ring the doorbell; then, for each struct service, with interrupts off:
 *   halted = counter; wait as halt does, the handler likewise. A request of 0 ends the workload.
 *   Otherwise copy it to struct service and to answer, completed += 1, answered = counter, ring.
 *
 * vCPU 1, which only ipi has, starts elsewhere with the same register: set up its interrupt;
 * CALL_WARM; ready = 1, with interrupts on; spin until over; CALL_DONE. Its handler ends the
 * interrupt, then counts it in received, so that nothing of it falls into the next. vCPU 0 waits for
 * ready before its CALL_WARM and sets over before its CALL_DONE. Neither spins with an instruction
 * that tells the host so (PAUSE, YIELD …): that may exit.
 *
 * The vCPUs beside vCPU 0 that a workload with a device may have start elsewhere, with the address
 * of their struct peer in a further register, and tick: CALL_WARM; until over, arm the timer with
 * ticks, halt until the handler has written woken, wakeups += 1; CALL_DONE.
 *
 * The counter is read so that neither it nor the instruction under test is reordered past the
 * other. What breaks goes to mailbox.fault, then CALL_FAULT.
 */
#ifndef KVMLAB_ARCH_H
#define KVMLAB_ARCH_H

#include <stddef.h>
#include <stdint.h>

#include "device.h"
#include "vcpu.h"
#include "workloads.h"

struct arch {
	const char *name; /* uname -m */

	/* How a workload (WORKLOAD_*) exits here, after looking at what `kvm` can do. */
	struct ability (*ability)(int kvm, unsigned int workload);

	/* Guest physical address, and what addresses and sizes of memory are multiples of. */
	uint64_t memory_base;
	size_t memory_align;

	/* The longest interval the timer takes. */
	uint64_t interval_max_ns;

	/* How many vCPUs beside vCPU 0 can tick. */
	unsigned int peers;

	/* Where counter_hz has its number from. */
	const char *counter_source;

	/* The argument of KVM_CREATE_VM, after looking at what `kvm` can do. */
	unsigned long (*vm_type)(int kvm);

	/* After KVM_CREATE_VM, before memory and vCPUs: interrupt controllers, VM capabilities. */
	void (*setup_vm)(struct vm *vm);

	/*
	 * After KVM_CREATE_VCPU, on its thread, with vcpu->run mapped and memory in place: vCPU
	 * capabilities, tables in scratch memory, mailbox.features, registers, entry point. For
	 * vCPU 0 first; with the last one (vm->vcpus) also what of the interrupt controller can
	 * only be finished when all vCPUs exist.
	 */
	void (*setup_vcpu)(struct vcpu *vcpu);

	/*
	 * Joins a device to a VM whose vCPUs exist: what `interrupt` needs to reach vCPU 0, and an
	 * ioeventfd where the guest rings, if KVM has them here.
	 */
	void (*setup_device)(const struct vm *vm, const struct device *device);

	/* Makes an interrupt pending for vCPU 0, as a device's own thread does. */
	void (*interrupt)(const struct device *device);

	/* Nominal frequency of the counter the guest reads, as kernel or processor has it. */
	uint64_t (*counter_hz)(const struct vcpu *vcpu);

	/* What the guest would read from its counter now; of a vCPU that does not run. */
	uint64_t (*counter)(const struct vcpu *vcpu);

	/* What the guest writes to its timer for `ns`; at least 1, rounded up. */
	uint64_t (*timer_ticks)(uint64_t ns, uint64_t counter_hz);

	/*
	 * The number of the call that run->exit_reason stands for, its results filled in for the
	 * next KVM_RUN; CALL_NONE when it is none. On the path of the userspace workload: quick.
	 */
	unsigned int (*call)(struct vcpu *vcpu);

	/* The guest's program counter, for a sentence. */
	uint64_t (*program_counter)(const struct vcpu *vcpu);
};

extern const struct arch arch;

extern const uint8_t guest_image[];
extern const uint8_t guest_image_end[];

#endif
