/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One VM, its memory, and the ioctls on it.
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
	unsigned int workload;
	unsigned int vcpus;
	uint8_t *memory; /* host's view of arch.memory_base */
	size_t memory_bytes;
	struct mailbox *mailbox;
};

/* Does an ioctl, or ends the process with a sentence that names it; returns what it returned. */
#define KVM_DO(fd, request, argument) kvm_do(fd, request, #request, (unsigned long)(argument))
int kvm_do(int fd, unsigned long request, const char *name, unsigned long argument);

/* Opens /dev/kvm; without a usable one, ends the process with status 77. */
int kvm_open(void);

/*
 * All but the vCPUs: the VM, its devices, its memory with image, mailbox and an empty table. Ends
 * the process with STATUS_LACKING where the workload cannot be run.
 */
void vm_create(struct vm *vm, const struct options *options);

struct wakeup *vm_wakeups(const struct vm *vm);
struct service *vm_services(const struct vm *vm);
uint64_t *vm_stamps(const struct vm *vm);

#endif
