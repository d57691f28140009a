// SPDX-License-Identifier: GPL-2.0-only
/*
 * The client of the network workloads.
 */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "clock.h"
#include "device.h"
#include "fail.h"

#define NS_PER_MS 1000000ull

/* Where the client is with its plan. */
struct progress {
	uint64_t bursts;      /* sent so far */
	uint64_t first;	      /* requests before this one are given up or forgotten */
	uint64_t outstanding; /* requests since then that have no reply */
	uint64_t due;	      /* when the next burst is to go */
	uint64_t given_up;    /* when those outstanding are */
};

static bool all_sent(const struct client *client)
{
	return client->requests == client->options->count;
}

static void send_one(struct client *client, uint64_t due)
{
	uint64_t i = client->requests++;
	struct message request = {.number = client->requests};

	client->sent[i] = clock_ns(CLOCK_MONOTONIC);
	client->due[i] = due ? due : client->sent[i];
	if (send(client->wire.client, &request, sizeof(request), 0) != sizeof(request))
		fail(STATUS_FAILURE, "the client could not send a request: %s", strerror(errno));
}

/* From the last sign of life: what waits behind others is not lost. */
static void have_patience(const struct client *client, struct progress *progress)
{
	progress->given_up = clock_ns(CLOCK_MONOTONIC) + client->options->patience_ms * NS_PER_MS;
}

static void send_burst(struct client *client, struct progress *progress)
{
	const struct options *options = client->options;

	for (uint64_t i = 0; i < options->burst && !all_sent(client); i++) {
		send_one(client, options->open_loop ? progress->due : 0);
		progress->outstanding++;
	}
	progress->bursts++;
	have_patience(client, progress);
	if (options->open_loop && !all_sent(client))
		progress->due += client->intervals[progress->bursts];
}

/* The closed loop: what was asked is answered or given up. */
static void rest(const struct client *client, struct progress *progress)
{
	progress->outstanding = 0;
	progress->first = client->requests;
	if (!all_sent(client))
		progress->due = clock_ns(CLOCK_MONOTONIC) + client->intervals[progress->bursts];
}

static void receive(struct client *client, struct progress *progress)
{
	struct message reply;
	uint64_t i;

	if (recv(client->wire.client, &reply, sizeof(reply), MSG_WAITALL) != sizeof(reply))
		fail(STATUS_FAILURE, "the client got no whole reply: %s", strerror(errno));
	i = reply.number - 1;
	if (i >= client->requests || client->received[i]) {
		client->strange++;
		return;
	}
	client->received[i] = clock_ns(CLOCK_MONOTONIC);
	client->replies++;
	have_patience(client, progress);
	if (i >= progress->first)
		progress->outstanding--;
	if (!progress->outstanding && !client->options->open_loop)
		rest(client, progress);
}

/* True when there is something to receive, false when CLOCK_MONOTONIC shows `until`. */
static bool wait_until(const struct client *client, uint64_t until)
{
	struct pollfd socket = {.fd = client->wire.client, .events = POLLIN};
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	uint64_t left = until > now ? until - now : 0;
	struct timespec patience = {.tv_sec = left / NS_PER_S, .tv_nsec = left % NS_PER_S};

	return ppoll(&socket, 1, &patience, NULL) > 0;
}

static void converse(struct client *client)
{
	bool open_loop = client->options->open_loop;
	struct progress progress = {
		.due = clock_ns(CLOCK_MONOTONIC) + client->intervals[0],
	};

	while (progress.outstanding || !all_sent(client)) {
		/* The open loop waits for replies only when it has nothing left to send. */
		bool listens = progress.outstanding && (!open_loop || all_sent(client));

		if (wait_until(client, listens ? progress.given_up : progress.due))
			receive(client, &progress);
		else if (listens)
			rest(client, &progress);
		else
			send_burst(client, &progress);
	}
}

static void *client_main(void *argument)
{
	struct client *client = argument;

	pthread_setname_np(pthread_self(), "client");
	/* Sleeps end when they are due, not up to 50 us later (prctl(2)). */
	prctl(PR_SET_TIMERSLACK, 1);
	while (sem_wait(&client->begin))
		;
	converse(client);
	eventfd_write(client->over, 1);
	client->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	return NULL;
}

struct client *client_create(const struct options *options, const uint64_t *intervals)
{
	struct client *client = calloc(1, sizeof(*client));
	int error;

	if (!client)
		fail(STATUS_FAILURE, "no memory for the client: free some on this host");
	*client = (struct client){
		.options = options,
		.intervals = intervals,
		.wire = wire_open(options),
		.over = eventfd(0, EFD_CLOEXEC),
		.due = device_allocate(options),
		.sent = device_allocate(options),
		.received = device_allocate(options),
	};
	sem_init(&client->begin, 0, 0);
	error = pthread_create(&client->thread, NULL, client_main, client);
	if (error)
		fail(STATUS_FAILURE, "no thread for the client: %s; raise this user's limits",
		     strerror(error));
	return client;
}

void client_begin(struct client *client)
{
	sem_post(&client->begin);
}

void client_finish(struct client *client)
{
	pthread_join(client->thread, NULL);
}
