/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long this machine's own clock says a short loop takes, again and again.
 */
#ifndef KVMLAB_PACE_H
#define KVMLAB_PACE_H

#include "json.h"

/* Adds "turn_ns", the nanoseconds of one turn of a loop in each of several measurements. */
void pace_write(struct json *json);

#endif
