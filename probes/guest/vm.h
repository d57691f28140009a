/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One VM with one vCPU, its memory, and the ioctls on them.
 */
#ifndef KVMLAB_VM_H
#define KVMLAB_VM_H

#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>

#include "mailbox.h"
#include "options.h"

struct vm {
	int kvm;
	int fd;
	int vcpu;
	struct kvm_run *run;
	uint8_t *memory; /* host's view of arch.memory_base */
	size_t memory_bytes;
	struct mailbox *mailbox;
};

/* Does an ioctl, or ends the process with a sentence that names it; returns what it returned. */
#define KVM_DO(fd, request, argument) kvm_do(fd, request, #request, (unsigned long)(argument))
int kvm_do(int fd, unsigned long request, const char *name, unsigned long argument);

/* Opens /dev/kvm; without a usable one, ends the process with status 77. */
int kvm_open(void);

/* All but the vCPU: the VM, its devices, its memory with image, mailbox and an empty table. */
void vm_create(struct vm *vm, const struct options *options);

/* Adds the vCPU; on the thread that will run it (Documentation/virt/kvm/api.rst, section 1). */
void vm_create_vcpu(struct vm *vm);

/*
 * Runs the vCPU until the guest's next call and returns its number; CALL_NONE when
 * run->immediate_exit stopped it. Anything else ends the process with a sentence.
 */
unsigned int vm_run(struct vm *vm);

struct wakeup *vm_wakeups(const struct vm *vm);
uint64_t *vm_stamps(const struct vm *vm);

#endif
