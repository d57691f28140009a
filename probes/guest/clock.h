/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host's clocks.
 */
#ifndef KVMLAB_CLOCK_H
#define KVMLAB_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_S 1000000000ull

/* Nanoseconds of `clock`, which is there. */
static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * NS_PER_S + time.tv_nsec;
}

/* Returns when CLOCK_MONOTONIC shows `ns`, or at once if it does already. */
static inline void clock_sleep_until(uint64_t ns)
{
	struct timespec due = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL))
		;
}

#endif
