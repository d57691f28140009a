/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The client of the network workloads, on a thread of its own: sends requests, in bursts or one by
 * one, and takes the time of each reply.
 *
 * Closed loop: an interval after the last reply, or after giving up on it. Open loop: at set times,
 * whatever has become of the requests before; latency counts from the time a request was due, so
 * that a client that is held up hides nothing (coordinated omission).
 */
#ifndef KVMLAB_CLIENT_H
#define KVMLAB_CLIENT_H

#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>

#include "options.h"
#include "wire.h"

struct client {
	const struct options *options;
	const uint64_t *intervals; /* before each burst, in ns */
	struct wire wire;
	int over; /* eventfd, readable when the client has given up or has all replies */
	/* CLOCK_MONOTONIC for each request; `received` is 0 without a reply. */
	uint64_t *due;
	uint64_t *sent;
	uint64_t *received;
	uint64_t requests;
	uint64_t replies;
	uint64_t strange; /* messages that are no reply to a request, or not the first */
	uint64_t cpu_ns;  /* of this thread */
	sem_t begin;
	pthread_t thread;
};

/* Connected, and waiting for client_begin(). */
struct client *client_create(const struct options *options, const uint64_t *intervals);
void client_begin(struct client *client);

/* Returns when each request has its reply or was given up. */
void client_finish(struct client *client);

#endif
