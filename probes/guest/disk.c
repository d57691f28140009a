// SPDX-License-Identifier: GPL-2.0-only
/*
 * A disk that completes each request a set time after the doorbell rang for it.
 */
#include "disk.h"

#include "clock.h"

/* The end of a delay is spun away: waking from a sleep takes longer than some disks do. */
#define SPIN_NS 50000

static void begin(struct device *device)
{
	(void)device;
}

static uint64_t next(struct device *device)
{
	uint64_t delay = device->intervals[device->interrupts];
	uint64_t due = device->rung_at + delay;

	if (delay > SPIN_NS)
		clock_sleep_until(due - SPIN_NS);
	while (clock_ns(CLOCK_MONOTONIC) < due)
		;
	return device->interrupts + 1;
}

static void answer(struct device *device, uint64_t number)
{
	(void)device;
	(void)number;
}

static void finish(struct device *device)
{
	(void)device;
}

const struct source disk = {.begin = begin, .next = next, .answer = answer, .finish = finish};
