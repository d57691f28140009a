/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two processes that pass a byte to and fro through two pipes, as `perf bench sched pipe` has them.
 */
#ifndef KVMLAB_LINUX_PINGPONG_H
#define KVMLAB_LINUX_PINGPONG_H

#include <stdint.h>

struct pingpong {
	uint64_t count;
	uint64_t *round_trip_ns; /* as many, by CLOCK_MONOTONIC */
	int there;
	int back;
};

/*
 * Each process has a CPU of its own where there are two, and waits for the other on it; else both
 * share one. The byte has gone round once.
 */
struct pingpong pingpong_open(uint64_t count);

/* Returns how often the byte went round, and came back. */
uint64_t pingpong_play(const struct pingpong *game);

#endif
