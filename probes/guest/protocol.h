/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How this process and whoever started it agree on a beginning: ../README.md.
 */
#ifndef KVMLAB_PROTOCOL_H
#define KVMLAB_PROTOCOL_H

#include <stdbool.h>

#include "json.h"
#include "thread.h"

/* Prints the line that says that `count` vCPUs, or none, are there and wait. */
void protocol_say_ready(struct json *json, const struct thread *threads, unsigned int count);

/* False at the end of the file: whoever started this wants it no more. */
bool protocol_wait_for_go(void);

#endif
