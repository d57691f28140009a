/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What became of every halt of the watched vCPU threads.
 *
 * kvm_vcpu_halt() (virt/kvm/kvm_main.c) adjusts the polling window first and traces
 * kvm_halt_poll_ns when it changed it, then traces kvm_vcpu_wakeup. So a new window seen
 * during a halt holds from the next halt on: it waits in `next` until the wake-up.
 */
#pragma once

#include "machine.h"
#include "share.h"

enum event_kind {
	EVENT_HALT,
	EVENT_WINDOW
};

struct event {
	u64 at;
	u64 ns;
	u32 thread; /* serial number */
	u32 window;
	u32 old;
	u8 kind;
	u8 flag; /* waited, or grow */
	u8 valid;
	u8 unused;
};

BPF_PERCPU_ARRAY(lost, u64, 1);
#ifndef OBSERVING
BPF_RINGBUF_OUTPUT(stream, STREAM_PAGES);
#endif

static __always_inline u32 min_u32(u32 a, u32 b)
{
	return a < b ? a : b;
}

static __always_inline void send(struct event *event)
{
#ifndef OBSERVING
	/* The agent reads when the guest is done: waking it for each halt would be noise. */
	if (stream.ringbuf_output(event, sizeof(*event), BPF_RB_NO_WAKEUP))
		lost.increment(0);
#endif
}

/* The window of the halt of `ns` that ends now. */
static __always_inline u32 window_of(struct thread *thread, u64 ns, u8 waited)
{
	u32 window;

#ifdef OBSERVING
	u32 tgid = thread->tgid, *ceiling = watched.lookup(&tgid);

	if (ceiling)
		thread->ceiling = *ceiling;
	/*
	 * After a sleep longer than the ceiling kvm_vcpu_halt() shrinks any window but 0, and
	 * traces that before it traces the wake-up: silence tells that the window is 0.
	 */
	if (thread->next == UNKNOWN_WINDOW && waited && ns > thread->ceiling)
		thread->window = thread->next = 0;
	if (thread->window == UNKNOWN_WINDOW && thread->ceiling)
		return UNKNOWN_WINDOW;
#endif
	/*
	 * Since "KVM: Cap vcpu->halt_poll_ns before halting rather than after" the window may be
	 * traced growing past the ceiling, and the next halt begins by cutting it; before that
	 * commit it was cut when it grew. Cutting here serves both.
	 */
	window = min_u32(thread->window, thread->ceiling);
	/* Cut for good: a ceiling that rises again does not give it back. */
	if (thread->next == thread->window)
		thread->next = window;
	return window;
}

static __always_inline void halted(struct thread *thread, u64 now, u64 ns, u8 waited, u8 valid)
{
	struct event event = {.kind = EVENT_HALT};
	u32 window = window_of(thread, ns, waited);
	u64 first = ns; /* of a miss, what it polled; the rest it waited */
	u8 outcome;

	thread->window = thread->next;
	if (window == UNKNOWN_WINDOW)
		outcome = UNKNOWN;
	else if (!window)
		outcome = waited ? NO_POLL : INSTANT;
	else if (!waited)
		outcome = ns <= window ? HIT : LATE_HIT;
	else
		outcome = MISS_POLL;
	if (outcome == MISS_POLL) {
		first = ns < window ? ns : window;
		count_kind(thread, MISS_WAIT, ns - first);
	}
	count_kind(thread, outcome, first);
	thread->invalid += !valid;
#ifdef PHASES
	machine_halted(thread, now, ns, waited, window == UNKNOWN_WINDOW ? 0 : window);
#endif

	event.at = now;
	event.ns = ns;
	event.flag = waited;
	event.valid = valid;
	event.thread = thread->serial;
	event.window = window;
	send(&event);
}

/* Where no event holds a halt's length, a pair of events tells: it never polls there. */
static __always_inline void halt_begins(void)
{
	u64 now = bpf_ktime_get_ns();
	struct thread *thread = this_thread(now);

	if (thread)
		thread->halted = now;
}

static __always_inline void halt_ends(void)
{
	struct thread *thread = known_thread();
	u64 now = bpf_ktime_get_ns();

	if (!thread || !thread->halted)
		return;
	halted(thread, now, now - thread->halted, 1, 1);
	thread->halted = 0;
}

int on_wakeup(void *ctx)
{
	u64 now = bpf_ktime_get_ns();
	struct thread *thread = this_thread(now);

	if (thread)
		halted(thread, now, FIELD(ctx, KVM_VCPU_WAKEUP_NS),
		       FIELD(ctx, KVM_VCPU_WAKEUP_WAITED), FIELD(ctx, KVM_VCPU_WAKEUP_VALID));
	return SHARE;
}

int on_window(void *ctx)
{
	u64 now = bpf_ktime_get_ns();
	struct thread *thread = this_thread(now);
	struct event event = {.kind = EVENT_WINDOW};

	if (!thread)
		return SHARE;
	event.at = now;
	event.thread = thread->serial;
	event.window = FIELD(ctx, KVM_HALT_POLL_NS_NEW);
	event.old = FIELD(ctx, KVM_HALT_POLL_NS_OLD);
	event.flag = FIELD(ctx, KVM_HALT_POLL_NS_GROW);
	thread->next = event.window;
	/* The kernel says what it used until now: a missed change mends itself here. */
	thread->window = event.old;
	thread->window_changes += 1;
	send(&event);
	return SHARE;
}
