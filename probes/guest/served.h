/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What device, client and guest saw of requests: the part of the guest result that workloads with a
 * device have for themselves.
 */
#ifndef KVMLAB_SERVED_H
#define KVMLAB_SERVED_H

#include "counter.h"
#include "device.h"
#include "json.h"
#include "timeline.h"

void served_write(struct json *json, const struct device *device, const struct counter *counter,
		  const struct timeline *timeline);

/* The client's part of it: round trips, and how late its requests went. */
void served_write_replies(struct json *json, const struct client *client);

#endif
