// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's counter on the host's clock.
 */
#include "timeline.h"

#include "arch.h"
#include "clock.h"

#define ATTEMPTS 16

static struct moment read_once(const struct vcpu *vcpu)
{
	uint64_t before = clock_ns(CLOCK_MONOTONIC);
	uint64_t counter = arch.counter(vcpu);
	uint64_t after = clock_ns(CLOCK_MONOTONIC);

	return (struct moment){
		.counter = counter,
		.ns = before + (after - before) / 2,
		.error_ns = (after - before + 1) / 2,
	};
}

struct moment timeline_moment(const struct vcpu *vcpu)
{
	struct moment best = read_once(vcpu);

	for (int i = 1; i < ATTEMPTS; i++) {
		struct moment moment = read_once(vcpu);

		if (moment.error_ns < best.error_ns)
			best = moment;
	}
	return best;
}

int64_t timeline_ns(const struct timeline *timeline, uint64_t counter)
{
	const struct moment *begin = &timeline->begin;
	const struct moment *end = &timeline->end;
	double slope = (double)(end->ns - begin->ns) / (end->counter - begin->counter);
	double ns = (int64_t)(counter - begin->counter) * slope;

	return begin->ns + (int64_t)(ns < 0 ? ns - 0.5 : ns + 0.5);
}

uint64_t timeline_error_ns(const struct timeline *timeline)
{
	uint64_t begin = timeline->begin.error_ns;
	uint64_t end = timeline->end.error_ns;

	return begin > end ? begin : end;
}
