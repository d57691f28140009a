/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The state machine of a vCPU thread: every nanosecond belongs to one phase, the same on every
 * architecture. Tracepoints call the transitions; time is charged at each of them, so the sums
 * are exact whenever the thread ends.
 */
#pragma once

#include "thread.h"

/* Set in sample_key.how: the handling ended in an exit to the VMM. */
#define TO_VMM 0x80

static __always_inline u64 elapsed(struct thread *thread, u64 now)
{
	/* The clocks of two CPUs may disagree by a few ns: time never runs backwards here. */
	return now > thread->since ? now - thread->since : 0;
}

static __always_inline u64 charge(struct thread *thread, u64 now)
{
	u64 ns = elapsed(thread, now);

	thread->sums[thread->now & 7] += ns;
	thread->since += ns;
	return ns;
}

/* Leave the phase the running thread is in, with one sample of its time on CPU there. */
static __always_inline void leave(struct thread *thread, u64 now, u8 how)
{
	struct sample_key key = {.serial = thread->serial, .kind = thread->phase};
	u64 visit = thread->visit + charge(thread, now);

	if (thread->phase == HANDLING) {
		key.code = thread->code;
		key.detail = thread->detail;
		key.how = thread->how | how;
	}
	if (thread->phase != USERSPACE)
		count(&key, visit);
	thread->visit = 0;
	thread->slept = 0;
}

static __always_inline void enter(struct thread *thread, u8 phase)
{
	thread->phase = phase;
	thread->now = phase;
}

/* KVM_RUN begins. */
static __always_inline void to_run(u32 fd)
{
	u64 now = bpf_ktime_get_ns();
	struct thread *thread = this_thread(now);

	if (!thread)
		return;
	leave(thread, now, 0);
	enter(thread, RUN_OVERHEAD);
	thread->fd = fd;
	thread->runs += 1;
}

/* KVM_RUN has returned: from here to the next one it is the VMM's time, if there is a next. */
static __always_inline void to_vmm(void)
{
	struct thread *thread = known_thread();
	u64 now = bpf_ktime_get_ns();

	if (!thread || thread->phase == USERSPACE)
		return;
	leave(thread, now, 0);
	enter(thread, USERSPACE);
	thread->ended = thread->since;
	for (int i = 0; i < SETTLED; i++)
		thread->settled[i] = thread->sums[i];
}

static __always_inline void to_guest(void)
{
	u64 now = bpf_ktime_get_ns();
	struct thread *thread = this_thread(now);

	if (!thread)
		return;
	leave(thread, now, 0);
	enter(thread, GUEST);
	thread->entries += 1;
}

static __always_inline void to_handling(u64 code)
{
	u64 now = bpf_ktime_get_ns();
	struct thread *thread = this_thread(now);

	if (!thread)
		return;
	leave(thread, now, 0);
	enter(thread, HANDLING);
	thread->exits += 1;
	thread->code = code;
	thread->how = 0;
	thread->detail = 0;
}

/* What the exit being handled turned out to be; the last word counts. */
static __always_inline void refine(u8 how, u32 detail)
{
	struct thread *thread = known_thread();

	if (!thread || thread->phase != HANDLING)
		return;
	thread->how = how;
	thread->detail = detail;
}

/* kvm_userspace_exit: KVM is done, and only the way out of KVM_RUN is left. */
static __always_inline void to_userspace(u32 reason, s32 error)
{
	struct thread *thread = known_thread();
	u64 now = bpf_ktime_get_ns();

	if (!thread)
		return;

	struct sample_key key = {
		.code = error < 0 ? (u64)(s64)error : reason,
		.serial = thread->serial,
		.kind = USERSPACE_EXIT,
	};

	count(&key, 0);
	if (thread->phase != HANDLING)
		return;
	/* A signal ends KVM_RUN whatever the guest was doing: not the guest's request. */
	leave(thread, now, error < 0 ? 0 : TO_VMM);
	enter(thread, RUN_OVERHEAD);
}

/* `ns` of the present visit were polling. */
static __always_inline void polled(struct thread *thread, u64 now, u64 ns)
{
	thread->slept = 0;
	if (thread->now != thread->phase)
		return;
	thread->visit += charge(thread, now);
	if (ns > thread->visit)
		ns = thread->visit;
	if (!ns)
		return;
	thread->visit -= ns;
	thread->sums[thread->phase & 7] -= ns;
	thread->sums[POLLED] += ns;
	count_kind(thread, POLLED, ns);
}

/* A halt of `ns` ends now. It polled to its end, or until it slept or the window was over. */
static __always_inline void machine_halted(struct thread *thread, u64 now, u64 ns, u8 waited,
					   u32 window)
{
	u64 began = now - ns;

	if (waited)
		ns = thread->slept > began ? thread->slept - began : 0;
	if (waited && ns > window)
		ns = window;
	polled(thread, now, window ? ns : 0);
}

static __always_inline void off_cpu_sample(struct thread *thread, u64 ns)
{
	/* What a thread does outside KVM_RUN is in the sums, and not its vCPU's distribution. */
	if (thread->phase != USERSPACE)
		count_kind(thread, thread->now, ns);
}

static __always_inline void switched_out(u64 now, u8 runnable)
{
	struct thread *thread = known_thread();

	if (!thread)
		return;
	thread->visit += charge(thread, now);
	thread->now = runnable ? PREEMPTED : BLOCKED;
	if (!runnable && !thread->slept)
		thread->slept = now;
}

static __always_inline void woken(u32 tid)
{
	struct thread *thread = threads.lookup(&tid);

	/* A thread may be woken before it sleeps, and then does not. */
	if (!thread || thread->now != BLOCKED)
		return;
	off_cpu_sample(thread, charge(thread, bpf_ktime_get_ns()));
	thread->now = PREEMPTED;
}

static __always_inline void switched_in(u32 tid, u64 now)
{
	struct thread *thread = threads.lookup(&tid);
	u32 cpu = bpf_get_smp_processor_id();

	if (!thread || thread->now == thread->phase)
		return;
	off_cpu_sample(thread, charge(thread, now));
	thread->now = thread->phase;
	/* A running thread moves by being switched out and in: sched_migrate_task says no more. */
	if (thread->cpu != cpu) {
		thread->cpu = cpu;
		thread->migrations += 1;
	}
}
