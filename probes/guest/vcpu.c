// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vCPU's thread.
 */
#include "vcpu.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"

#define KICK SIGUSR1

/* For a kicked vCPU to leave KVM_RUN; a sane one needs microseconds. */
#define GRACE_S 5

static void settle(const struct vcpu *vcpu)
{
	cpu_set_t set;

	pthread_setname_np(pthread_self(), "vcpu0");
	if (vcpu->cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(vcpu->cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail(STATUS_FAILURE, "the vCPU's thread cannot be pinned to CPU %d: %s; see --cpu",
		     vcpu->cpu, strerror(errno));
}

static void *vcpu_thread(void *argument)
{
	struct vcpu *vcpu = argument;
	unsigned int call;

	settle(vcpu);
	vcpu->tid = syscall(SYS_gettid); /* gettid() is younger than some hosts' glibc */
	vm_create_vcpu(vcpu->vm);
	stats_open(&vcpu->vm_stats, vcpu->vm->kvm, vcpu->vm->fd);
	stats_open(&vcpu->stats, vcpu->vm->kvm, vcpu->vm->vcpu);
	sem_post(&vcpu->ready);
	while (sem_wait(&vcpu->go))
		;
	do {
		call = vm_run(vcpu->vm);
		switch (call) {
		case CALL_ROUND_TRIP:
			break;
		case CALL_WARM:
			marks_warm(&vcpu->marks);
			stats_before(&vcpu->vm_stats);
			stats_before(&vcpu->stats);
			break;
		case CALL_START:
			marks_start(&vcpu->marks);
			break;
		case CALL_END:
			marks_end(&vcpu->marks);
			break;
		case CALL_DONE:
			marks_done(&vcpu->marks);
			stats_after(&vcpu->vm_stats);
			stats_after(&vcpu->stats);
			break;
		}
	} while (call != CALL_DONE && call != CALL_NONE);
	sem_post(&vcpu->done);
	return NULL;
}

static void on_kick(int signal)
{
	(void)signal;
}

void vcpu_start(struct vcpu *vcpu, struct vm *vm, int cpu)
{
	/* Without SA_RESTART: the kick is to interrupt KVM_RUN. */
	struct sigaction kick = {.sa_handler = on_kick};
	int error;

	sigaction(KICK, &kick, NULL);
	vcpu->vm = vm;
	vcpu->cpu = cpu;
	sem_init(&vcpu->ready, 0, 0);
	sem_init(&vcpu->go, 0, 0);
	sem_init(&vcpu->done, 0, 0);
	error = pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);
	if (error)
		fail(STATUS_FAILURE, "no thread for the vCPU: %s; raise this user's limits",
		     strerror(error));
	while (sem_wait(&vcpu->ready))
		;
}

static bool done_within(struct vcpu *vcpu, unsigned int seconds)
{
	struct timespec until;
	int answer;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += seconds;
	do
		answer = sem_timedwait(&vcpu->done, &until);
	while (answer && errno == EINTR);
	return !answer;
}

void vcpu_run(struct vcpu *vcpu, unsigned int timeout_s)
{
	const volatile struct mailbox *mailbox = vcpu->vm->mailbox;
	bool stopped;

	sem_post(&vcpu->go);
	if (done_within(vcpu, timeout_s)) {
		pthread_join(vcpu->thread, NULL);
		return;
	}
	/*
	 * immediate_exit first: a signal that comes before KVM_RUN would otherwise be forgotten
	 * (api.rst 5, "The kvm_run structure", immediate_exit).
	 */
	__atomic_store_n(&vcpu->vm->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	pthread_kill(vcpu->thread, KICK);
	stopped = done_within(vcpu, GRACE_S);
	fail(STATUS_FAILURE,
	     "the guest was stopped after %u s with %" PRIu64 " of %" PRIu64
	     " samples taken, %" PRIu64 " spurious wake-ups%s: raise --timeout or lower --count",
	     timeout_s, mailbox->completed, mailbox->count, mailbox->spurious,
	     stopped ? "" : ", and its vCPU did not leave KVM_RUN when kicked");
}
