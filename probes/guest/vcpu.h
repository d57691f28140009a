/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One vCPU of a VM, and running it from call to call.
 */
#ifndef KVMLAB_VCPU_H
#define KVMLAB_VCPU_H

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

#endif
