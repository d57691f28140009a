// SPDX-License-Identifier: GPL-2.0
/*
 * What became of every halt of a trial's own vCPU threads.
 *
 * kvm_vcpu_halt() (virt/kvm/kvm_main.c) adjusts the polling window first and traces
 * kvm_halt_poll_ns when it changed it, then traces kvm_vcpu_wakeup. So a new window seen
 * during a halt holds from the next halt on: it waits in `next` until the wake-up.
 *
 * The offsets and types of the tracepoints' fields come in as -D from the running kernel's
 * format files: <EVENT>_<FIELD>_OFFSET and <EVENT>_<FIELD>_TYPE.
 */
#include "loglinear.h"

#define FIELD(ctx, name) (*(name##_TYPE *)((void *)(ctx) + name##_OFFSET))

static __always_inline u32 min_u32(u32 a, u32 b)
{
	return a < b ? a : b;
}

enum outcome { HIT, LATE_HIT, MISS_POLL, MISS_WAIT, NO_POLL, INSTANT, OUTCOMES };
enum event_kind { EVENT_HALT, EVENT_WINDOW };

struct vcpu {
	u32 index;
	u32 window;
	u32 next;
	u32 ceiling;
};

struct bucket_key {
	u32 outcome;
	u32 bucket;
};

struct event {
	u64 at;
	u64 ns;
	u32 thread;
	u32 window;
	u32 old;
	u8 kind;
	u8 flag; /* waited, or grow */
	u8 valid;
	u8 unused;
};

BPF_HASH(vcpus, u64, struct vcpu, 1024);
BPF_PERCPU_ARRAY(counts, u64, OUTCOMES);
BPF_PERCPU_ARRAY(sums, u64, OUTCOMES);
BPF_PERCPU_ARRAY(invalid, u64, 1);
BPF_PERCPU_ARRAY(changes, u64, 1);
BPF_PERCPU_ARRAY(lost, u64, 1);
BPF_PERCPU_HASH(histograms, struct bucket_key, u64, 16384);
BPF_RINGBUF_OUTPUT(stream, STREAM_PAGES);

static __always_inline void add(u32 outcome, u64 ns)
{
	struct bucket_key key = { .outcome = outcome, .bucket = loglinear_bucket(ns) };
	u64 zero = 0;
	u64 *count = histograms.lookup_or_try_init(&key, &zero);

	/* bcc's own increment() does not reach the values of a per-CPU hash. */
	if (count)
		*count += 1;
	counts.increment(outcome);
	sums.increment(outcome, ns);
}

static __always_inline void send(struct event *event)
{
	/* The agent reads when the guest is done: waking it for each halt would be noise. */
	if (stream.ringbuf_output(event, sizeof(*event), BPF_RB_NO_WAKEUP))
		lost.increment(0);
}

int on_wakeup(void *ctx)
{
	u64 id = bpf_get_current_pid_tgid();
	struct vcpu *vcpu = vcpus.lookup(&id);
	struct event event = { .kind = EVENT_HALT };
	u64 window;

	if (!vcpu)
		return 0;
	/*
	 * Since "KVM: Cap vcpu->halt_poll_ns before halting rather than after" the window may be
	 * traced growing past the ceiling, and the next halt begins by cutting it; before that
	 * commit it was cut when it grew. Cutting here serves both.
	 */
	window = min_u32(vcpu->window, vcpu->ceiling);
	vcpu->window = vcpu->next;

	event.at = bpf_ktime_get_ns();
	event.ns = FIELD(ctx, KVM_VCPU_WAKEUP_NS);
	event.flag = FIELD(ctx, KVM_VCPU_WAKEUP_WAITED);
	event.valid = FIELD(ctx, KVM_VCPU_WAKEUP_VALID);
	event.thread = vcpu->index;
	event.window = window;

	if (!window) {
		add(event.flag ? NO_POLL : INSTANT, event.ns);
	} else if (!event.flag) {
		add(event.ns <= window ? HIT : LATE_HIT, event.ns);
	} else {
		u64 polled = event.ns < window ? event.ns : window;

		add(MISS_POLL, polled);
		add(MISS_WAIT, event.ns - polled);
	}
	if (!event.valid)
		invalid.increment(0);
	send(&event);
	return 0;
}

int on_window(void *ctx)
{
	u64 id = bpf_get_current_pid_tgid();
	struct vcpu *vcpu = vcpus.lookup(&id);
	struct event event = { .kind = EVENT_WINDOW };

	if (!vcpu)
		return 0;
	event.at = bpf_ktime_get_ns();
	event.thread = vcpu->index;
	event.window = FIELD(ctx, KVM_HALT_POLL_NS_NEW);
	event.old = FIELD(ctx, KVM_HALT_POLL_NS_OLD);
	event.flag = FIELD(ctx, KVM_HALT_POLL_NS_GROW);
	vcpu->next = event.window;
	/* The kernel says what it used until now: a missed change mends itself here. */
	vcpu->window = event.old;
	changes.increment(0);
	send(&event);
	return 0;
}
