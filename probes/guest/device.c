// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device with one slot, on a thread of its own.
 */
#include "device.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "arch.h"
#include "client.h"
#include "clock.h"
#include "disk.h"
#include "fail.h"
#include "net.h"

static int make_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	if (fd < 0)
		fail(STATUS_FAILURE, "no eventfd for the device: %s; raise this user's limits",
		     strerror(errno));
	return fd;
}

uint64_t *device_allocate(const struct options *options)
{
	uint64_t *numbers = calloc(options->count, sizeof(*numbers));

	if (!numbers)
		fail(STATUS_FAILURE, "no memory for %" PRIu64 " requests: lower --count",
		     options->count);
	return numbers;
}

const char *device_lacking(int kvm)
{
	if (ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_IRQFD) <= 0)
		return "this KVM has no irqfd (KVM_CAP_IRQFD) for the device to interrupt with";
	if (ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_IOEVENTFD) <= 0)
		return "this KVM has no ioeventfd (KVM_CAP_IOEVENTFD) for the guest to answer by";
	return NULL;
}

void device_connect_irqfd(const struct vm *vm, const struct device *device, uint32_t gsi)
{
	struct kvm_irqfd irqfd = {.fd = device->irq, .gsi = gsi};

	KVM_DO(vm->fd, KVM_IRQFD, &irqfd);
}

void device_signal(const struct device *device)
{
	eventfd_write(device->irq, 1);
}

static void wait_for_doorbell(struct device *device)
{
	eventfd_t rings;

	while (eventfd_read(device->doorbell, &rings))
		;
	device->rung_at = clock_ns(CLOCK_MONOTONIC);
}

/* The request lies in memory before the interrupt that tells of it. */
static void interrupt(struct device *device, uint64_t request)
{
	__atomic_store_n(&device->vm->mailbox->request, request, __ATOMIC_RELEASE);
	device->injected[device->interrupts++] = clock_ns(CLOCK_MONOTONIC);
	arch.interrupt(device);
}

/* Ends a guest that waits for requests that will not come. */
static void dismiss(const struct device *device)
{
	__atomic_store_n(&device->vm->mailbox->request, 0, __ATOMIC_RELEASE);
	arch.interrupt(device);
}

static void check_answer(const struct device *device, uint64_t request)
{
	uint64_t answer = __atomic_load_n(&device->vm->mailbox->answer, __ATOMIC_ACQUIRE);

	if (answer != request)
		fail(STATUS_FAILURE,
		     "the guest answered request %" PRIu64 " with %" PRIu64 ": mend %s.S", request,
		     answer, arch.name);
}

static void *device_main(void *argument)
{
	struct device *device = argument;
	uint64_t request;

	pthread_setname_np(pthread_self(), "device");
	/* Sleeps end when they are due, not up to 50 us later (prctl(2)). */
	prctl(PR_SET_TIMERSLACK, 1);
	wait_for_doorbell(device);
	device->source->begin(device);
	while (device->interrupts < device->options->count) {
		request = device->source->next(device);
		if (!request) {
			dismiss(device);
			break;
		}
		interrupt(device, request);
		wait_for_doorbell(device);
		check_answer(device, request);
		device->source->answer(device, request);
	}
	device->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	return NULL;
}

void device_start(struct device *device, const struct vm *vm, const struct options *options,
		  const uint64_t *intervals)
{
	int error;

	*device = (struct device){
		.vm = vm,
		.options = options,
		.intervals = intervals,
		.source = options->workload == WORKLOAD_DISK_RR ? &disk : &net,
		.irq = make_eventfd(),
		.doorbell = make_eventfd(),
		.injected = device_allocate(options),
	};
	if (device->source == &net)
		device->client = client_create(options, intervals);
	arch.setup_device(vm, device);
	error = pthread_create(&device->thread, NULL, device_main, device);
	if (error)
		fail(STATUS_FAILURE, "no thread for the device: %s; raise this user's limits",
		     strerror(error));
}

void device_finish(struct device *device)
{
	pthread_join(device->thread, NULL);
	device->source->finish(device);
}
