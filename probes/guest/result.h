/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest result of results/FORMAT.md.
 */
#ifndef KVMLAB_RESULT_H
#define KVMLAB_RESULT_H

#include <stdint.h>

#include "device.h"
#include "json.h"
#include "thread.h"

/*
 * `threads` are those of all vCPUs, each done; `intervals` are those asked for, in ns; `device` is
 * done, and NULL for a workload without one.
 */
void result_write(struct json *json, const struct thread *threads, const uint64_t *intervals,
		  const struct device *device);

#endif
