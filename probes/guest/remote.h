/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A client alone: the VM that answers it is another process's.
 */
#ifndef KVMLAB_REMOTE_H
#define KVMLAB_REMOTE_H

#include <stdint.h>

#include "json.h"
#include "options.h"

/* Connected, says it is ready, and brings its requests when told to. */
void remote_run(struct json *json, const struct options *options, const uint64_t *intervals);

#endif
