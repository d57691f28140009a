/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two ends of the network between client and device: connected sockets, each in a network
 * namespace of its own or both on this one's loopback. With --remote there is no device: `device` is
 * -1, and what answers the client is elsewhere.
 */
#ifndef KVMLAB_WIRE_H
#define KVMLAB_WIRE_H

#include <stdint.h>

#include "options.h"

struct wire {
	int client;
	int device;
};

/* What goes over it, there and back. */
struct message {
	uint64_t number;
};

/* Ends the process with a sentence where a namespace cannot be entered or an end not connected. */
struct wire wire_open(const struct options *options);

#endif
