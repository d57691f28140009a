/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The threads of the vCPUs: each makes its vCPU, waits for leave to run, runs the guest from its
 * first call to its last, and keeps what the host saw of it.
 */
#ifndef KVMLAB_THREAD_H
#define KVMLAB_THREAD_H

#include <pthread.h>
#include <semaphore.h>
#include <sys/types.h>

#include "marks.h"
#include "stats.h"
#include "timeline.h"
#include "vcpu.h"

struct thread {
	struct vcpu vcpu;
	const int *cpus; /* struct options, cpus */
	pthread_t thread;
	pid_t tid;
	sem_t ready;
	sem_t go;
	sem_t done;
	uint64_t run_ns;       /* CLOCK_MONOTONIC from before the first KVM_RUN to after the last */
	uint64_t run_least_ns; /* the same from after the first to before the last */
	uint64_t cpu_ns;       /* CLOCK_THREAD_CPUTIME_ID, as run_ns */
	struct marks marks;
	struct timeline timeline;
	struct stats vm_stats;
	struct stats stats;
};

/* Returns when each vCPU of `vm` exists and its thread waits. */
void threads_start(struct thread *threads, struct vm *vm, const int *cpus);

/* Lets the guest run to its end; ends the process with a sentence after `timeout_s` seconds. */
void threads_run(struct thread *threads, const struct vm *vm, unsigned int timeout_s);

#endif
