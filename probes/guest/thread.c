// SPDX-License-Identifier: GPL-2.0-only
/*
 * The threads of the vCPUs.
 */
#include "thread.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "cpus.h"
#include "fail.h"

#define KICK SIGUSR1

/* For kicked vCPUs to leave KVM_RUN; sane ones need microseconds. */
#define GRACE_S 5

/* On the CPU asked for. vCPU 1 without one of its own stays off that of vCPU 0. */
static void settle(const struct thread *thread)
{
	unsigned int id = thread->vcpu.id;
	int first = thread->cpus[0];
	int own = thread->cpus[id];
	char name[16];

	snprintf(name, sizeof(name), "vcpu%u", id);
	pthread_setname_np(pthread_self(), name);
	if (own >= 0 && !cpus_pin(own))
		fail(STATUS_FAILURE,
		     "the thread of vCPU %u cannot be pinned to CPU %d: %s; see --cpu", id, own,
		     strerror(errno));
	if (own < 0 && first >= 0 && !cpus_avoid(first))
		fail(STATUS_FAILURE, "the thread of vCPU %u has no CPU beside %d: %s; see --cpu",
		     id, first, strerror(errno));
}

static void run(struct thread *thread)
{
	bool has_device = workload_has_device(thread->vcpu.vm->workload);
	unsigned int call;

	thread->cpu_ns = -clock_ns(CLOCK_THREAD_CPUTIME_ID);
	thread->run_ns = -clock_ns(CLOCK_MONOTONIC);
	vcpu_touch(&thread->vcpu);
	thread->run_least_ns = -clock_ns(CLOCK_MONOTONIC);
	do {
		call = vcpu_run(&thread->vcpu);
		switch (call) {
		case CALL_ROUND_TRIP:
			break;
		case CALL_WARM:
			if (has_device)
				thread->timeline.begin = timeline_moment(&thread->vcpu);
			marks_warm(&thread->marks);
			stats_before(&thread->vm_stats);
			stats_before(&thread->stats);
			break;
		case CALL_START:
			marks_start(&thread->marks);
			break;
		case CALL_END:
			marks_end(&thread->marks);
			break;
		case CALL_DONE:
			thread->run_least_ns += clock_ns(CLOCK_MONOTONIC);
			vcpu_touch(&thread->vcpu);
			thread->run_ns += clock_ns(CLOCK_MONOTONIC);
			thread->cpu_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID);
			marks_done(&thread->marks);
			stats_after(&thread->vm_stats);
			stats_after(&thread->stats);
			if (has_device)
				thread->timeline.end = timeline_moment(&thread->vcpu);
			break;
		}
	} while (call != CALL_DONE && call != CALL_NONE);
}

static void *thread_main(void *argument)
{
	struct thread *thread = argument;
	struct vm *vm = thread->vcpu.vm;

	settle(thread);
	thread->tid = syscall(SYS_gettid); /* gettid() is younger than some hosts' glibc */
	vcpu_create(&thread->vcpu);
	stats_open(&thread->vm_stats, vm->kvm, vm->fd);
	stats_open(&thread->stats, vm->kvm, thread->vcpu.fd);
	sem_post(&thread->ready);
	while (sem_wait(&thread->go))
		;
	run(thread);
	sem_post(&thread->done);
	return NULL;
}

static void start(struct thread *thread)
{
	int error;

	sem_init(&thread->ready, 0, 0);
	sem_init(&thread->go, 0, 0);
	sem_init(&thread->done, 0, 0);
	error = pthread_create(&thread->thread, NULL, thread_main, thread);
	if (error)
		fail(STATUS_FAILURE, "no thread for vCPU %u: %s; raise this user's limits",
		     thread->vcpu.id, strerror(error));
	while (sem_wait(&thread->ready))
		;
}

static void on_kick(int signal)
{
	(void)signal;
}

void threads_start(struct thread *threads, struct vm *vm, const int *cpus)
{
	/* Without SA_RESTART: the kick is to interrupt KVM_RUN. */
	struct sigaction kick = {.sa_handler = on_kick};

	sigaction(KICK, &kick, NULL);
	for (unsigned int i = 0; i < vm->vcpus; i++) {
		threads[i].vcpu.vm = vm;
		threads[i].vcpu.id = i;
		threads[i].cpus = cpus;
		start(&threads[i]);
	}
}

static bool done_within(struct thread *threads, unsigned int count, unsigned int seconds)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += seconds;
	for (unsigned int i = 0; i < count; i++)
		while (sem_timedwait(&threads[i].done, &until))
			if (errno != EINTR)
				return false;
	return true;
}

/*
 * immediate_exit first: a signal that comes before KVM_RUN would otherwise be forgotten
 * (api.rst 5, "The kvm_run structure", immediate_exit).
 */
static void kick(struct thread *thread)
{
	__atomic_store_n(&thread->vcpu.run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	pthread_kill(thread->thread, KICK);
}

void threads_run(struct thread *threads, const struct vm *vm, unsigned int timeout_s)
{
	const volatile struct mailbox *mailbox = vm->mailbox;
	bool stopped;

	for (unsigned int i = 0; i < vm->vcpus; i++)
		sem_post(&threads[i].go);
	if (done_within(threads, vm->vcpus, timeout_s))
		return;
	for (unsigned int i = 0; i < vm->vcpus; i++)
		kick(&threads[i]);
	stopped = done_within(threads, vm->vcpus, GRACE_S);
	fail(STATUS_FAILURE,
	     "the guest was stopped after %u s with %" PRIu64 " of %" PRIu64
	     " samples taken, %" PRIu64 " spurious wake-ups%s: raise --timeout or lower --count",
	     timeout_s, mailbox->completed, mailbox->count, mailbox->spurious,
	     stopped ? "" : ", and a vCPU did not leave KVM_RUN when kicked");
}
