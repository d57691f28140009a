/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How fast the guest's counter runs: what the kernel says, what the marks measured, and which of
 * the two makes nanoseconds.
 */
#ifndef KVMLAB_COUNTER_H
#define KVMLAB_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

#include "mailbox.h"

struct counter {
	uint64_t nominal_hz;
	double calibrated_hz;
	double error_bound; /* of calibrated_hz, relative */
	bool calibrated;    /* nominal_hz is refuted, calibrated_hz is used */
};

struct counter counter_calibrate(const struct mailbox *mailbox, uint64_t wall_ns,
				 uint64_t nominal_hz);

/* Ticks of a counter of that frequency in `ns`, rounded up; good to 2^32 ns at 4.29 GHz. */
uint64_t counter_ticks(uint64_t ns, uint64_t hz);

/* Nanoseconds of that many ticks, to the nearest; negative ones too. */
int64_t counter_ns(const struct counter *counter, int64_t ticks);

#endif
