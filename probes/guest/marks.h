/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the host says of the vCPU thread at the guest's marks. A mark reads what is slow and coarse
 * outside the span and what is quick at its edges, so that reading costs the span next to nothing.
 */
#ifndef KVMLAB_MARKS_H
#define KVMLAB_MARKS_H

#include <stdint.h>

struct marks {
	uint64_t wall_ns; /* CLOCK_MONOTONIC between CALL_START and CALL_END */
	uint64_t cpu_ns;  /* CLOCK_THREAD_CPUTIME_ID of this thread, likewise */
	uint64_t user_ns; /* from here on between CALL_WARM and CALL_END */
	uint64_t system_ns;
	uint64_t guest_ns;
	uint64_t voluntary;
	uint64_t involuntary;
};

/* To be called by the vCPU's thread, in this order. */
void marks_warm(struct marks *marks);
void marks_start(struct marks *marks);
void marks_end(struct marks *marks);

#endif
