/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The vCPU threads of the watched VMs, and what is counted for them.
 *
 * A thread's state and samples are touched by one CPU at a time: its own, or, while it is off
 * CPU, the one that wakes it or lets it in, in the scheduler's order. So plain maps serve.
 */
#pragma once

#include "loglinear.h"

#define UNKNOWN_WINDOW 0xffffffffu

/*
 * -DOBSERVING: for VMs that ran before they were watched. What a vCPU's window is shows at its
 * next change only, its ceiling may be set meanwhile, and its first event comes from inside KVM_RUN.
 */
#ifdef OBSERVING
#define FIRST_WINDOW UNKNOWN_WINDOW
#define FIRST_PHASE  RUN_OVERHEAD
#else
#define FIRST_WINDOW 0
#define FIRST_PHASE  USERSPACE
#endif

/*
 * Where a vCPU thread's time goes. The first three go on growing after the last KVM_RUN, when
 * the thread is a vCPU's no longer: see `settled`.
 */
enum phase {
	USERSPACE,
	BLOCKED,
	PREEMPTED,
	RUN_OVERHEAD,
	GUEST,
	HANDLING,
	POLLED,
	PHASES_END
};
#define SETTLED RUN_OVERHEAD

/* What else is counted beside the visits of phases. */
enum counted {
	HIT = PHASES_END,
	LATE_HIT,
	MISS_POLL,
	MISS_WAIT,
	NO_POLL,
	INSTANT,
	USERSPACE_EXIT,
	UNKNOWN, /* a halt under an unknown window */
};

struct thread {
	u64 since;	      /* when the time of this thread was last charged to a phase */
	u64 visit;	      /* ns on CPU of the present visit to `phase`, charged so far */
	u64 slept;	      /* when it first blocked in this visit; 0 before */
	u64 halted;	      /* when its halt began, where a pair of events tells */
	u64 code;	      /* of the exit being handled, in the architecture's words */
	u64 began;	      /* first KVM_RUN, or the first event seen */
	u64 ended;	      /* last return of KVM_RUN, or death inside it; 0 before */
	u64 sums[8];	      /* ns by phase, off CPU included */
	u64 settled[SETTLED]; /* of the first phases, as of `ended` */
	u64 runs;
	u64 entries;
	u64 exits;
	u64 migrations;
	u64 invalid; /* halts */
	u64 window_changes;
	u32 tgid;
	u32 tid;
	u32 serial; /* a tid comes round again, this does not */
	u32 fd;	    /* of the vCPU */
	u32 cpu;
	u32 detail; /* of the refinement */
	u32 window; /* of halt polling, ns */
	u32 next;   /* window from the next halt on */
	u32 ceiling;
	u8 phase; /* where it is, or will be once it is on CPU again */
	u8 now;	  /* the same on CPU; BLOCKED or PREEMPTED off it */
	u8 how;	  /* refinement seen while handling; 0 for none */
	u8 died;  /* inside KVM_RUN */
};

struct sample_key {
	u64 code;
	u32 serial;
	u32 detail;
	u16 bucket;
	u8 kind; /* enum phase or enum counted */
	u8 how;
	u32 unused;
};

struct sample {
	u64 count;
	u64 ns;
};

/* tgid -> ceiling of the VM's polling window */
BPF_HASH(watched, u32, u32, 1024);
BPF_HASH(threads, u32, struct thread, THREADS);
/* tid -> window of a vCPU that ran before its counts began; of others it is FIRST_WINDOW. */
BPF_HASH(windows, u32, u32, THREADS);
/* The accounts of threads that are gone, by serial number. */
BPF_HASH(gone, u32, struct thread, THREADS);
BPF_HASH(samples, struct sample_key, struct sample, SAMPLES);
BPF_PERCPU_ARRAY(dropped, u64, 1);
BPF_PERCPU_ARRAY(serials, u32, 1);

static __always_inline struct thread *known_thread(void)
{
	u32 tid = bpf_get_current_pid_tgid();

	return threads.lookup(&tid);
}

/* The running thread, known from now on when its process is a watched VM. */
static __always_inline struct thread *this_thread(u64 now)
{
	u64 id = bpf_get_current_pid_tgid();
	u32 tid = id, tgid = id >> 32, zero = 0;
	struct thread *thread = threads.lookup(&tid);
	u32 *ceiling, *serial, *window;

	if (thread)
		return thread;
	ceiling = watched.lookup(&tgid);
	window = windows.lookup(&tid);
	serial = serials.lookup(&zero);
	if (!ceiling || !serial)
		return NULL;

	struct thread fresh = {
		.since = now,
		.began = now,
		.tgid = tgid,
		.tid = tid,
		/* Unique without an atomic: each CPU counts for itself. */
		.serial = (*serial)++ << 12 | bpf_get_smp_processor_id(),
		.cpu = bpf_get_smp_processor_id(),
		.fd = -1,
		.window = window ? *window : FIRST_WINDOW,
		.next = window ? *window : FIRST_WINDOW,
		.ceiling = *ceiling,
		.phase = FIRST_PHASE,
		.now = FIRST_PHASE,
	};

	if (threads.update(&tid, &fresh))
		dropped.increment(0);
	return threads.lookup(&tid);
}

static __always_inline void count(struct sample_key *key, u64 ns)
{
	struct sample *sample, none = {};

	key->bucket = loglinear_bucket(ns);
	sample = samples.lookup_or_try_init(key, &none);
	if (!sample) {
		dropped.increment(0);
		return;
	}
	sample->count += 1;
	sample->ns += ns;
}

static __always_inline void count_kind(struct thread *thread, u8 kind, u64 ns)
{
	struct sample_key key = {.serial = thread->serial, .kind = kind};

	count(&key, ns);
}
