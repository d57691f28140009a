// SPDX-License-Identifier: GPL-2.0
/*
 * Where the time of a vCPU thread goes (-DPHASES), and what became of its halts (always).
 *
 * Here the tracepoints that every architecture has are mapped onto transitions of the state
 * machine; arch/<machine>.h follows and maps an architecture's own. Nothing else knows one.
 */
#include "field.h"
#include "halt.h"
#include "machine.h"
#include "share.h"

#ifdef PHASES
int on_ioctl_enter(void *ctx)
{
	if ((u32)FIELD(ctx, SYS_ENTER_IOCTL_CMD) == KVM_RUN)
		to_run(FIELD(ctx, SYS_ENTER_IOCTL_FD));
	return SHARE;
}

int on_ioctl_exit(void *ctx)
{
	to_vmm();
	return SHARE;
}

int on_userspace_exit(void *ctx)
{
	to_userspace(FIELD(ctx, KVM_USERSPACE_EXIT_REASON), FIELD(ctx, KVM_USERSPACE_EXIT_ERRNO));
	return SHARE;
}

int on_entry(void *ctx)
{
	to_guest();
	return SHARE;
}

int on_mmio(void *ctx)
{
	refine(KVM_MMIO_HOW, FIELD(ctx, KVM_MMIO_TYPE));
	return SHARE;
}

int on_switch(void *ctx)
{
	u64 now = bpf_ktime_get_ns();

	switched_out(now, !(FIELD(ctx, SCHED_SWITCH_PREV_STATE) & NOT_RUNNABLE));
	switched_in(FIELD(ctx, SCHED_SWITCH_NEXT_PID), now);
	return SHARE;
}

int on_sched_wakeup(void *ctx)
{
	woken(FIELD(ctx, SCHED_WAKEUP_PID));
	return SHARE;
}
#endif

/* A tid that comes round again is a new thread; the account stays. */
int on_thread_exit(void *ctx)
{
	struct thread *thread = known_thread();
	u32 tid = bpf_get_current_pid_tgid();
	u32 serial;

	if (!thread)
		return SHARE;
	serial = thread->serial;
	if (thread->phase != USERSPACE) {
		charge(thread, bpf_ktime_get_ns());
		thread->ended = thread->since;
		thread->died = 1;
	}
	if (gone.update(&serial, thread))
		dropped.increment(0);
	threads.delete(&tid);
	return SHARE;
}
