// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest result of results/FORMAT.md: from counter readings to nanoseconds, and onto a line.
 */
#include "result.h"

#include "arch.h"
#include "counter.h"

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

static void write_stats(struct json *json, const struct vcpu *vcpu)
{
	json_object(json, "stats");
	stats_write(&vcpu->vm_stats, json, "vm");
	json_array(json, "vcpu");
	stats_write(&vcpu->stats, json, NULL);
	json_array_end(json);
	json_object_end(json);
}

void result_write(struct json *json, const struct vcpu *vcpu, const uint64_t *intervals)
{
	const struct mailbox *mailbox = vcpu->vm->mailbox;
	struct counter counter =
		counter_calibrate(mailbox, vcpu->marks.wall_ns, arch.counter_hz(vcpu->vm));

	json_object(json, NULL);
	json_object(json, "result");
	write_counter(json, &counter);
	json_integer(json, "count", mailbox->count);
	json_integer(json, "completed", mailbox->completed);
	json_integer(json, "spurious", mailbox->spurious);
	write_marks(json, &vcpu->marks);
	if (intervals)
		write_wakeups(json, &counter, vcpu->vm, intervals);
	else
		write_batches(json, &counter, vcpu->vm);
	json_array(json, "vcpus");
	json_object(json, NULL);
	json_integer(json, "id", 0);
	json_integer(json, "tid", vcpu->tid);
	json_object_end(json);
	json_array_end(json);
	write_stats(json, vcpu);
	json_object_end(json);
	json_object_end(json);
	json_line_end(json);
}
