// SPDX-License-Identifier: GPL-2.0-only
/*
 * The network as a source of requests.
 */
#include "net.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "client.h"
#include "fail.h"

static void begin(struct device *device)
{
	client_begin(device->client);
}

static uint64_t next(struct device *device)
{
	struct pollfd watched[] = {
		{.fd = device->client->wire.device, .events = POLLIN},
		{.fd = device->client->over, .events = POLLIN},
	};
	struct message request;

	while (poll(watched, 2, -1) < 0)
		;
	if (!watched[0].revents)
		return 0;
	if (recv(watched[0].fd, &request, sizeof(request), MSG_WAITALL) != sizeof(request))
		fail(STATUS_FAILURE, "the device got no whole request: %s", strerror(errno));
	return request.number;
}

static void answer(struct device *device, uint64_t number)
{
	struct message reply = {.number = number};

	if (send(device->client->wire.device, &reply, sizeof(reply), 0) != sizeof(reply))
		fail(STATUS_FAILURE, "the device could not send a reply: %s", strerror(errno));
}

static void finish(struct device *device)
{
	client_finish(device->client);
}

const struct source net = {.begin = begin, .next = next, .answer = answer, .finish = finish};
