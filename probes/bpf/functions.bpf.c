// SPDX-License-Identifier: GPL-2.0
/*
 * Calls of a few kernel functions by the watched processes: how many, and how long.
 *
 * -D'EACH(X)=X(0, vmlinux__name) X(2, kvm__name)' names the functions by index, module and
 * name; FUNCTIONS is the highest index and one. With FENTRY the programs are named for
 * trampolines (bcc takes module and function from there), else for kprobes.
 */
#include "loglinear.h"
#include "share.h"

#define FIELD(ctx, name) (*(name##_TYPE *)((void *)(ctx) + name##_OFFSET))

struct call {
	u32 tid;
	u32 function;
};

struct bucket_key {
	u32 function;
	u32 bucket;
};

BPF_HASH(watched, u32, u8, 256);
/* LRU: a thread that dies within a function never takes its call back. */
BPF_TABLE("lru_hash", struct call, u64, calls, 4096);
BPF_PERCPU_ARRAY(counts, u64, FUNCTIONS);
BPF_PERCPU_ARRAY(sums, u64, FUNCTIONS);
BPF_PERCPU_HASH(histograms, struct bucket_key, u64, 16384);
BPF_PERCPU_ARRAY(fpu, u64, 2);

static __always_inline int enter(u32 function)
{
	u64 id = bpf_get_current_pid_tgid();
	struct call call = {.tid = id, .function = function};
	u32 tgid = id >> 32;
	u64 now;

	if (!watched.lookup(&tgid))
		return 0;
	now = bpf_ktime_get_ns();
	calls.update(&call, &now);
	return 0;
}

static __always_inline int leave(u32 function)
{
	u64 now = bpf_ktime_get_ns(), zero = 0, ns, *began, *count;
	struct call call = {.tid = bpf_get_current_pid_tgid(), .function = function};
	struct bucket_key key = {.function = function};

	began = calls.lookup(&call);
	if (!began)
		return 0;
	ns = now - *began;
	calls.delete(&call);
	key.bucket = loglinear_bucket(ns);
	count = histograms.lookup_or_try_init(&key, &zero);
	if (count)
		*count += 1;
	counts.increment(function);
	sums.increment(function, ns);
	return 0;
}

#ifdef KVM_FPU_LOAD_OFFSET
int on_fpu(void *ctx)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;

	if (watched.lookup(&tgid))
		fpu.increment(!!FIELD(ctx, KVM_FPU_LOAD));
	return SHARE;
}
#endif

#include <functions.h>
