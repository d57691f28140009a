// SPDX-License-Identifier: GPL-2.0-only
/*
 * One vCPU: set-up and run loop, the same on every architecture.
 */
#include "vcpu.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "arch.h"
#include "fail.h"

void vcpu_create(struct vcpu *vcpu)
{
	size_t bytes = KVM_DO(vcpu->vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	vcpu->fd = KVM_DO(vcpu->vm->fd, KVM_CREATE_VCPU, vcpu->id);
	vcpu->run = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		fail(STATUS_FAILURE, "the kvm_run of vCPU %u cannot be mapped: %s", vcpu->id,
		     strerror(errno));
	arch.setup_vcpu(vcpu);
}

void vcpu_touch(struct vcpu *vcpu)
{
	vcpu->run->immediate_exit = 1;
	if (!ioctl(vcpu->fd, KVM_RUN, 0) || errno != EINTR)
		fail(STATUS_FAILURE,
		     "KVM ran vCPU %u, told to leave at once: this kernel lacks "
		     "KVM_CAP_IMMEDIATE_EXIT (Linux 4.13)",
		     vcpu->id);
	vcpu->run->immediate_exit = 0;
}

unsigned int vcpu_run(struct vcpu *vcpu)
{
	const struct mailbox *mailbox = vcpu->vm->mailbox;
	unsigned int call;

	while (ioctl(vcpu->fd, KVM_RUN, 0) < 0) {
		if (errno != EINTR && errno != EAGAIN)
			fail(STATUS_FAILURE,
			     "KVM cannot run vCPU %u: %s, after %" PRIu64 " of %" PRIu64
			     " samples; the kernel's log may say why",
			     vcpu->id, strerror(errno), mailbox->completed, mailbox->count);
		if (__atomic_load_n(&vcpu->run->immediate_exit, __ATOMIC_RELAXED))
			return CALL_NONE;
	}
	call = arch.call(vcpu);
	if (call == CALL_NONE)
		fail(STATUS_FAILURE,
		     "KVM stopped vCPU %u with exit reason %u at %#" PRIx64 ", after %" PRIu64
		     " of %" PRIu64 " samples: see KVM_EXIT_* in <linux/kvm.h>, and mend %s.S or "
		     "leave this host out",
		     vcpu->id, vcpu->run->exit_reason, arch.program_counter(vcpu),
		     mailbox->completed, mailbox->count, arch.name);
	if (call == CALL_FAULT)
		fail(STATUS_FAILURE,
		     "vCPU %u took an unexpected interrupt or exception, number %#" PRIx64
		     ", at %#" PRIx64 ", after %" PRIu64 " of %" PRIu64 " samples: mend %s.S",
		     vcpu->id, mailbox->fault, arch.program_counter(vcpu), mailbox->completed,
		     mailbox->count, arch.name);
	return call;
}
