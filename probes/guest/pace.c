// SPDX-License-Identifier: GPL-2.0-only
/*
 * Under QEMU's -icount shift=0 an instruction takes one nanosecond, so that a turn of a loop takes
 * a whole number of them, a few interrupts apart, every time. No other clock does that. The agent
 * decides; here is only measured.
 */
#include "pace.h"

#include "clock.h"

#define MEASUREMENTS 5
#define TURNS	     4000000u

void pace_write(struct json *json)
{
	json_array(json, "turn_ns");
	for (int i = 0; i < MEASUREMENTS; i++) {
		uint64_t start = clock_ns(CLOCK_MONOTONIC);

		for (unsigned int turn = TURNS; turn; turn--)
			/* The count itself goes through it: GCC unrolls what it can count. */
			__asm__ volatile("" : "+r"(turn));
		json_real(json, NULL, (double)(clock_ns(CLOCK_MONOTONIC) - start) / TURNS);
	}
	json_array_end(json);
}
