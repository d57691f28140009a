/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's counter on the host's clock: a line through two moments at which both were read.
 *
 * KVM tells the counter of a vCPU that does not run. The host's clock is read before and after, so a
 * moment is known to half of the time between; the line is off by no more anywhere between its two
 * moments, a mean of which it is there.
 */
#ifndef KVMLAB_TIMELINE_H
#define KVMLAB_TIMELINE_H

#include <stdint.h>

struct vcpu;

struct moment {
	uint64_t counter;
	uint64_t ns; /* CLOCK_MONOTONIC */
	uint64_t error_ns;
};

struct timeline {
	struct moment begin;
	struct moment end;
};

/* Reads both, the best of several times; on the vCPU's thread, while it does not run. */
struct moment timeline_moment(const struct vcpu *vcpu);

/* CLOCK_MONOTONIC when the guest's counter showed `counter`, to the nearest nanosecond. */
int64_t timeline_ns(const struct timeline *timeline, uint64_t counter);

/* How far that may be off. */
uint64_t timeline_error_ns(const struct timeline *timeline);

#endif
