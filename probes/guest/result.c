// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest result of results/FORMAT.md: from counter readings to nanoseconds, and onto a line.
 */
#include "result.h"

#include "arch.h"
#include "counter.h"
#include "served.h"

static void write_counter(struct json *json, const struct counter *counter)
{
	json_object(json, "counter");
	json_text(json, "source", arch.counter_source);
	json_integer(json, "nominal_hz", counter->nominal_hz);
	json_real(json, "calibrated_hz", counter->calibrated_hz);
	json_real(json, "error_bound", counter->error_bound);
	json_text(json, "used", counter->calibrated ? "calibrated" : "nominal");
	json_object_end(json);
}

static void write_marks(struct json *json, const struct marks *marks)
{
	json_integer(json, "wall_ns", marks->wall_ns);
	json_object(json, "cpu");
	json_integer(json, "vcpu_ns", marks->cpu_ns);
	json_integer(json, "user_ns", marks->user_ns);
	json_integer(json, "system_ns", marks->system_ns);
	json_integer(json, "guest_ns", marks->guest_ns);
	json_object_end(json);
	json_object(json, "switches");
	json_integer(json, "voluntary", marks->voluntary);
	json_integer(json, "involuntary", marks->involuntary);
	json_object_end(json);
}

static void write_wakeups(struct json *json, const struct counter *counter, const struct vm *vm,
			  const uint64_t *intervals)
{
	const struct wakeup *wakeups = vm_wakeups(vm);

	json_array(json, "latency_ns");
	for (uint64_t i = 0; i < vm->mailbox->count; i++) {
		int64_t waited = counter_ns(counter, wakeups[i].woken - wakeups[i].before);

		json_integer(json, NULL, waited - (int64_t)intervals[i]);
	}
	json_array_end(json);
	json_array(json, "arm_ns");
	for (uint64_t i = 0; i < vm->mailbox->count; i++)
		json_integer(json, NULL, counter_ns(counter, wakeups[i].armed - wakeups[i].before));
	json_array_end(json);
}

static void write_batches(struct json *json, const struct counter *counter, const struct vm *vm)
{
	const uint64_t *stamps = vm_stamps(vm);

	json_integer(json, "batch", vm->mailbox->batch);
	json_array(json, "batch_ns");
	for (uint64_t i = 0; i < vm->mailbox->count; i++)
		json_integer(json, NULL, counter_ns(counter, stamps[i + 1] - stamps[i]));
	json_array_end(json);
}

static void write_vcpus(struct json *json, const struct thread *threads, unsigned int count)
{
	const struct mailbox *mailbox = threads[0].vcpu.vm->mailbox;

	json_array(json, "vcpus");
	for (unsigned int i = 0; i < count; i++) {
		json_object(json, NULL);
		json_integer(json, "id", threads[i].vcpu.id);
		json_integer(json, "tid", threads[i].tid);
		json_integer(json, "run_ns", threads[i].run_ns);
		json_integer(json, "run_least_ns", threads[i].run_least_ns);
		json_integer(json, "cpu_ns", threads[i].cpu_ns);
		if (vcpu_ticks(&threads[i].vcpu))
			json_integer(json, "ticks", mailbox->peers[i - 1].wakeups);
		json_object_end(json);
	}
	json_array_end(json);
}

static void write_stats(struct json *json, const struct thread *threads, unsigned int count)
{
	json_object(json, "stats");
	stats_write(&threads[0].vm_stats, json, "vm");
	json_array(json, "vcpu");
	for (unsigned int i = 0; i < count; i++)
		stats_write(&threads[i].stats, json, NULL);
	json_array_end(json);
	json_object_end(json);
}

void result_write(struct json *json, const struct thread *threads, const uint64_t *intervals,
		  const struct device *device)
{
	const struct vcpu *vcpu = &threads[0].vcpu;
	const struct vm *vm = vcpu->vm;
	const struct marks *marks = &threads[0].marks;
	struct counter counter =
		counter_calibrate(vm->mailbox, marks->wall_ns, arch.counter_hz(vcpu));

	json_object(json, NULL);
	json_object(json, "result");
	write_counter(json, &counter);
	json_integer(json, "count", vm->mailbox->count);
	json_integer(json, "completed", vm->mailbox->completed);
	json_integer(json, "spurious", vm->mailbox->spurious);
	write_marks(json, marks);
	if (device)
		served_write(json, device, &counter, &threads[0].timeline);
	else if (intervals)
		write_wakeups(json, &counter, vm, intervals);
	else
		write_batches(json, &counter, vm);
	write_vcpus(json, threads, vm->vcpus);
	write_stats(json, threads, vm->vcpus);
	json_object_end(json);
	json_object_end(json);
	json_line_end(json);
}
