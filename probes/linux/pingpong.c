// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two processes that pass a byte to and fro through two pipes.
 */
#include "pingpong.h"

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"

#define NS_PER_S 1000000000ull

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void settle_on(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	check("pinning a process", sched_setaffinity(0, sizeof(one), &one));
}

static bool pass_on(int from, int to)
{
	char byte;

	return read(from, &byte, 1) == 1 && write(to, &byte, 1) == 1;
}

static bool go_round(const struct pingpong *game)
{
	char byte = 0;

	return write(game->there, &byte, 1) == 1 && read(game->back, &byte, 1) == 1;
}

struct pingpong pingpong_open(uint64_t count)
{
	int there[2], back[2];
	struct pingpong game = {
		.count = count,
		.round_trip_ns = calloc(count, sizeof(*game.round_trip_ns)),
	};

	if (!game.round_trip_ns)
		fail("no memory for the times of %llu round trips", (unsigned long long)count);
	check("a pipe", pipe2(there, O_CLOEXEC));
	check("a pipe", pipe2(back, O_CLOEXEC));
	if (!check("forking", fork())) {
		settle_on(sysconf(_SC_NPROCESSORS_ONLN) > 1);
		while (pass_on(there[0], back[1]))
			;
		_exit(EXIT_FAILURE);
	}
	close(there[0]);
	close(back[1]);
	settle_on(0);
	game.there = there[1];
	game.back = back[0];
	if (!go_round(&game))
		fail("the other end of the pipes has gone");
	return game;
}

uint64_t pingpong_play(const struct pingpong *game)
{
	uint64_t completed, before, after = now_ns();

	for (completed = 0; completed < game->count && go_round(game); completed++) {
		before = after;
		after = now_ns();
		game->round_trip_ns[completed] = after - before;
	}
	return completed;
}
