/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the host says of the vCPU thread at the guest's marks. What is quick to read is read at
 * the edges of the measured span; what is slow and coarse, outside of it, so that it neither costs
 * the span anything nor widens the bracket that calibrates the counter (counter.c).
 */
#ifndef KVMLAB_MARKS_H
#define KVMLAB_MARKS_H

#include <stdint.h>

struct marks {
	uint64_t wall_ns; /* CLOCK_MONOTONIC between CALL_START and CALL_END */
	uint64_t cpu_ns;  /* CLOCK_THREAD_CPUTIME_ID of this thread, likewise */
	uint64_t user_ns; /* from here on between CALL_WARM and CALL_DONE */
	uint64_t system_ns;
	uint64_t guest_ns;
	uint64_t voluntary;
	uint64_t involuntary;
};

/* To be called by the vCPU's thread, in this order. */
void marks_warm(struct marks *marks);
void marks_start(struct marks *marks);
void marks_end(struct marks *marks);
void marks_done(struct marks *marks);

#endif
