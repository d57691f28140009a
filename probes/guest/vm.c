// SPDX-License-Identifier: GPL-2.0-only
/*
 * One VM: set-up, the same on every architecture.
 */
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "arch.h"
#include "fail.h"

int kvm_do(int fd, unsigned long request, const char *name, unsigned long argument)
{
	int answer = ioctl(fd, request, argument);

	if (answer < 0)
		fail(STATUS_FAILURE,
		     "KVM refused %s: %s; this kernel's KVM lacks what the guest needs, so update "
		     "it or leave this host out",
		     name, strerror(errno));
	return answer;
}

int kvm_open(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int version;

	if (fd < 0 && (errno == EACCES || errno == EPERM))
		fail(STATUS_NOTHING_RAN, "/dev/kvm may not be opened by this user: run as root, or "
					 "join the group that owns it");
	if (fd < 0)
		fail(STATUS_NOTHING_RAN,
		     "/dev/kvm cannot be opened (%s): load this host's KVM module, or switch "
		     "virtualisation on in its firmware or hypervisor",
		     strerror(errno));
	version = ioctl(fd, KVM_GET_API_VERSION, 0);
	if (version != KVM_API_VERSION)
		fail(STATUS_NOTHING_RAN,
		     "/dev/kvm answers with API version %d instead of %d: it is no KVM this tool "
		     "knows",
		     version, KVM_API_VERSION);
	return fd;
}

/* Documentation/virt/kvm/api.rst, KVM_CAP_HALT_POLL: takes the place of the module's parameter. */
static void set_halt_poll(const struct vm *vm, uint32_t ns)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_HALT_POLL, .args = {ns}};

	if (ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_HALT_POLL) <= 0)
		fail(STATUS_FAILURE, "this KVM has no KVM_CAP_HALT_POLL, so --halt-poll-ns cannot "
				     "act: leave it out "
				     "and set the module's parameter halt_poll_ns instead");
	KVM_DO(vm->fd, KVM_ENABLE_CAP, &cap);
}

static size_t table_bytes(const struct options *options)
{
	if (options->workload == WORKLOAD_HALT)
		return options->count * sizeof(struct wakeup);
	if (workload_has_device(options->workload))
		return options->count * sizeof(struct service);
	return (options->count + 1) * sizeof(uint64_t);
}

static size_t round_up(size_t value, size_t step)
{
	return (value + step - 1) / step * step;
}

static void create_memory(struct vm *vm, const struct options *options)
{
	size_t image_bytes = guest_image_end - guest_image;
	struct kvm_userspace_memory_region region;
	size_t align = arch.memory_align;
	uint8_t *mapping;

	if (image_bytes > SCRATCH_OFFSET)
		fail(STATUS_FAILURE,
		     "the guest's image has %zu bytes and must fit %d: shorten %s.S", image_bytes,
		     SCRATCH_OFFSET, arch.name);
	vm->memory_bytes = round_up(TABLE_OFFSET + table_bytes(options), align);
	/* Populated, so that the host allocates nothing while the guest is measured. */
	mapping = mmap(NULL, vm->memory_bytes + align, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (mapping == MAP_FAILED)
		fail(STATUS_FAILURE, "no memory for a guest of %zu bytes (%s): lower --count",
		     vm->memory_bytes, strerror(errno));
	vm->memory = (uint8_t *)round_up((uintptr_t)mapping, align);

	memcpy(vm->memory, guest_image, image_bytes);
	vm->mailbox = (struct mailbox *)(vm->memory + MAILBOX_OFFSET);
	*vm->mailbox = (struct mailbox){
		.workload = options->workload,
		.count = options->count,
		.batch = options->batch,
		.table_bytes = table_bytes(options),
	};

	region = (struct kvm_userspace_memory_region){
		.guest_phys_addr = arch.memory_base,
		.memory_size = vm->memory_bytes,
		.userspace_addr = (uintptr_t)vm->memory,
	};
	KVM_DO(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
}

static void check_ability(const struct vm *vm)
{
	const char *reason = workload_ability(vm->kvm, vm->workload).reason;

	if (reason)
		fail(STATUS_LACKING, "--workload %s cannot be run here: %s",
		     workload_name(vm->workload), reason);
	if (workload_has_device(vm->workload) && vm->vcpus > 1 + arch.peers)
		fail(STATUS_LACKING, "--vcpus %u cannot be had here: this guest has room for %u",
		     vm->vcpus, 1 + arch.peers);
}

void vm_create(struct vm *vm, const struct options *options)
{
	vm->kvm = kvm_open();
	vm->workload = options->workload;
	vm->vcpus = options->vcpus;
	check_ability(vm);
	vm->fd = KVM_DO(vm->kvm, KVM_CREATE_VM, arch.vm_type(vm->kvm));
	if (options->has_halt_poll_ns)
		set_halt_poll(vm, options->halt_poll_ns);
	arch.setup_vm(vm);
	create_memory(vm, options);
}

struct wakeup *vm_wakeups(const struct vm *vm)
{
	return (struct wakeup *)(vm->memory + TABLE_OFFSET);
}

struct service *vm_services(const struct vm *vm)
{
	return (struct service *)(vm->memory + TABLE_OFFSET);
}

uint64_t *vm_stamps(const struct vm *vm)
{
	return (uint64_t *)(vm->memory + TABLE_OFFSET);
}
