/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One vCPU of a VM, and running it from call to call.
 */
#ifndef KVMLAB_VCPU_H
#define KVMLAB_VCPU_H

#include <stdbool.h>
#include <string.h>

#include "vm.h"

struct vcpu {
	struct vm *vm;
	unsigned int id;
	int fd;
	struct kvm_run *run;
};

/*
 * Adds vCPU `id` to its VM, both filled in; on the thread that will run it
 * (Documentation/virt/kvm/api.rst, section 1).
 */
void vcpu_create(struct vcpu *vcpu);

/*
 * Runs the vCPU until the guest's next call and returns its number; CALL_NONE when
 * run->immediate_exit stopped it. Anything else ends the process with a sentence.
 */
unsigned int vcpu_run(struct vcpu *vcpu);

/*
 * Enters KVM_RUN and leaves it at once, without running the guest (api.rst 5, immediate_exit): what
 * watches the thread's KVM_RUNs sees one that begins and ends between the caller's clock readings.
 */
void vcpu_touch(struct vcpu *vcpu);

/* Whether it does not serve but ticks, and where its struct peer lies from the mailbox. */
static inline bool vcpu_ticks(const struct vcpu *vcpu)
{
	return vcpu->id && workload_has_device(vcpu->vm->workload);
}

static inline uint64_t vcpu_peer_offset(const struct vcpu *vcpu)
{
	return vcpu_ticks(vcpu) ? MB_PEERS + (vcpu->id - 1) * PEER_SIZE : 0;
}

/* Answers with zeros if the vCPU left for a load from `address`; on the path of calls: quick. */
static inline bool vcpu_answer_load(struct vcpu *vcpu, uint64_t address)
{
	struct kvm_run *run = vcpu->run;

	if (run->exit_reason != KVM_EXIT_MMIO || run->mmio.phys_addr != address ||
	    run->mmio.is_write)
		return false;
	memset(run->mmio.data, 0, sizeof(run->mmio.data));
	return true;
}

#endif
