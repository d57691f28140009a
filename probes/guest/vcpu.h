/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The vCPU's thread: makes the vCPU, waits for leave to run, runs the guest from its first call to
 * its last, and keeps what the host saw of it.
 */
#ifndef KVMLAB_VCPU_H
#define KVMLAB_VCPU_H

#include <pthread.h>
#include <semaphore.h>
#include <sys/types.h>

#include "marks.h"
#include "stats.h"
#include "vm.h"

struct vcpu {
	struct vm *vm;
	int cpu; /* to run on; -1: any */
	pthread_t thread;
	pid_t tid;
	sem_t ready;
	sem_t go;
	sem_t done;
	struct marks marks;
	struct stats vm_stats;
	struct stats stats;
};

/* Returns when the vCPU exists and its thread waits. */
void vcpu_start(struct vcpu *vcpu, struct vm *vm, int cpu);

/* Lets the guest run to its end; ends the process with a sentence after `timeout_s` seconds. */
void vcpu_run(struct vcpu *vcpu, unsigned int timeout_s);

#endif
