// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calibration of the guest's counter.
 *
 * At each mark the guest reads its counter, exits, the VMM reads its clock, and the guest, entered
 * again, reads its counter once more. The clock was read somewhere between the two readings:
 *
 *   (end_before − start_after) / wall  ≤  frequency  ≤  (end_after − start_before) / wall
 *
 * whatever preempted whom, so that half of the width of this interval bounds the error of its
 * middle (a slew of CLOCK_MONOTONIC, at most 500 ppm, apart). The middle is also where the cost of
 * exits and entries cancels. What is stated is better known than what a short run can measure (most
 * architectures define their timer's frequency), so the nominal one serves unless it lies outside
 * the interval, and by more than a slew explains: then it is refuted.
 */
#include "counter.h"

#include "clock.h"

/* MAXFREQ of kernel/time/ntp.c. */
#define SLEW_MAX 500e-6

struct counter counter_calibrate(const struct mailbox *mailbox, uint64_t wall_ns,
				 uint64_t nominal_hz)
{
	double shortest = mailbox->end_before - mailbox->start_after;
	double longest = mailbox->end_after - mailbox->start_before;
	double middle = (shortest + longest) / 2;
	struct counter counter = {
		.nominal_hz = nominal_hz,
		.calibrated_hz = middle * NS_PER_S / wall_ns,
		.error_bound = (longest - shortest) / 2 / middle,
	};
	double difference = counter.calibrated_hz - nominal_hz;

	if (difference < 0)
		difference = -difference;
	counter.calibrated = difference > (counter.error_bound + SLEW_MAX) * counter.calibrated_hz;
	return counter;
}

uint64_t counter_ticks(uint64_t ns, uint64_t hz)
{
	return (ns * hz + NS_PER_S - 1) / NS_PER_S;
}

int64_t counter_ns(const struct counter *counter, int64_t ticks)
{
	double hz = counter->calibrated ? counter->calibrated_hz : counter->nominal_hz;
	double ns = ticks * (NS_PER_S / hz);

	return ns < 0 ? ns - 0.5 : ns + 0.5;
}
