/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether the options of a command line belong together.
 */
#ifndef KVMLAB_CHECKS_H
#define KVMLAB_CHECKS_H

#include "options.h"

/* Ends the process with one sentence and status 2 when they do not. */
void options_check(const struct options *options, bool has_workload, bool has_batch);

#endif
