// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmlab-guest: runs one tiny VM and prints what it measured. The protocol is in ../README.md.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "arch.h"
#include "device.h"
#include "fail.h"
#include "intervals.h"
#include "json.h"
#include "options.h"
#include "pace.h"
#include "protocol.h"
#include "remote.h"
#include "result.h"
#include "thread.h"
#include "vm.h"
#include "workloads.h"

static void die_with_parent(void)
{
	pid_t parent = getppid();

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* It may have died before the kernel knew that this matters. */
	if (getppid() != parent)
		raise(SIGKILL);
}

static void describe(struct json *json)
{
	int kvm = kvm_open();

	json_object(json, NULL);
	json_text(json, "architecture", arch.name);
	json_integer(json, "kvm_api_version", KVM_API_VERSION);
	workloads_write(json, kvm);
	json_text(json, "counter_source", arch.counter_source);
	json_bool(json, "halt_poll_cap", ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_HALT_POLL) > 0);
	pace_write(json);
	json_object_end(json);
	json_line_end(json);
}

/* The same tick for each vCPU that does not serve; threads[0] is the one that does. */
static void set_ticks(const struct thread *threads, uint64_t tick_ns)
{
	const struct vm *vm = threads[0].vcpu.vm;
	uint64_t hz = arch.counter_hz(&threads[0].vcpu);

	for (unsigned int i = 1; i < vm->vcpus; i++)
		vm->mailbox->peers[i - 1].wakeup.ticks = arch.timer_ticks(tick_ns, hz);
}

static void write_table(const struct vcpu *vcpu, const uint64_t *intervals)
{
	const struct vm *vm = vcpu->vm;
	uint64_t hz = arch.counter_hz(vcpu);

	for (uint64_t i = 0; i < vm->mailbox->count; i++)
		vm_wakeups(vm)[i].ticks = arch.timer_ticks(intervals[i], hz);
}

int main(int argc, char **argv)
{
	struct json json = {.file = stdout};
	struct thread threads[VCPUS_MAX] = {0};
	const uint64_t *intervals = NULL;
	struct options options;
	struct device device = {0};
	struct vm vm = {0};

	die_with_parent();
	options_parse(&options, argc, argv);
	if (options.describe) {
		describe(&json);
		return EXIT_SUCCESS;
	}
	if (options.intervals_path)
		intervals = intervals_read(&options, arch.interval_max_ns);
	if (options.remote_port) {
		remote_run(&json, &options, intervals);
		return EXIT_SUCCESS;
	}
	vm_create(&vm, &options);
	threads_start(threads, &vm, options.cpus);
	if (options.workload == WORKLOAD_HALT)
		write_table(&threads[0].vcpu, intervals);
	if (workload_has_device(options.workload)) {
		set_ticks(threads, options.tick_ns);
		device_start(&device, &vm, &options, intervals);
	}
	protocol_say_ready(&json, threads, vm.vcpus);
	if (!protocol_wait_for_go())
		return EXIT_SUCCESS;
	threads_run(threads, &vm, options.timeout_s);
	if (device.vm)
		device_finish(&device);
	result_write(&json, threads, intervals, device.vm ? &device : NULL);
	return EXIT_SUCCESS;
}
