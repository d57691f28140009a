/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of wake-up intervals that --intervals names.
 */
#ifndef KVMLAB_INTERVALS_H
#define KVMLAB_INTERVALS_H

#include <stdint.h>

#include "options.h"

/*
 * Reads options->count intervals in ns, each from 1 to `max`; ends the process with one sentence
 * and status 2 when the table is wrong.
 */
uint64_t *intervals_read(const struct options *options, uint64_t max);

#endif
