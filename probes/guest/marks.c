// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the host says of the vCPU thread at the guest's marks.
 *
 * Until its last mark, each field holds its value at the beginning, negated modulo 2^64; adding the
 * value at the end leaves the difference.
 */
#include "marks.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "fail.h"

static uint64_t timeval_ns(struct timeval time)
{
	return time.tv_sec * NS_PER_S + time.tv_usec * 1000;
}

/* Field 43 of proc(5) /proc/<pid>/stat, in clock ticks. */
static uint64_t guest_ns(void)
{
	FILE *file = fopen("/proc/thread-self/stat", "r");
	char text[1024];
	char *at = NULL;
	uint64_t ticks;

	if (file && fgets(text, sizeof(text), file))
		at = strrchr(text, ')'); /* the thread's name may hold anything; it ends here */
	if (file)
		fclose(file);
	for (int field = 2; at && field < 43; field++)
		at = strchr(at + 1, ' ');
	if (!at || sscanf(at, "%" SCNu64, &ticks) != 1)
		fail(STATUS_FAILURE, "/proc/thread-self/stat cannot be read: mount /proc");
	return ticks * (NS_PER_S / sysconf(_SC_CLK_TCK));
}

static void add_slow(struct marks *marks, uint64_t sign)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	marks->user_ns += sign * timeval_ns(usage.ru_utime);
	marks->system_ns += sign * timeval_ns(usage.ru_stime);
	marks->guest_ns += sign * guest_ns();
	marks->voluntary += sign * usage.ru_nvcsw;
	marks->involuntary += sign * usage.ru_nivcsw;
}

void marks_warm(struct marks *marks)
{
	*marks = (struct marks){0};
	add_slow(marks, -1);
}

void marks_start(struct marks *marks)
{
	marks->wall_ns = -clock_ns(CLOCK_MONOTONIC);
	marks->cpu_ns = -clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

void marks_end(struct marks *marks)
{
	marks->wall_ns += clock_ns(CLOCK_MONOTONIC);
	marks->cpu_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

void marks_done(struct marks *marks)
{
	add_slow(marks, 1);
}
