// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client alone: the VM that answers it is another process's.
 */
#include "remote.h"

#include "client.h"
#include "protocol.h"
#include "served.h"

static void write_result(struct json *json, const struct client *client)
{
	json_object(json, NULL);
	json_object(json, "result");
	json_integer(json, "count", client->options->count);
	served_write_replies(json, client);
	json_object(json, "requests");
	json_integer(json, "sent", client->requests);
	json_integer(json, "replies", client->replies);
	json_integer(json, "lost", client->requests - client->replies);
	json_integer(json, "strange", client->strange);
	json_integer(json, "client_cpu_ns", client->cpu_ns);
	json_object_end(json);
	json_object_end(json);
	json_object_end(json);
	json_line_end(json);
}

void remote_run(struct json *json, const struct options *options, const uint64_t *intervals)
{
	struct client *client = client_create(options, intervals);

	protocol_say_ready(json, NULL, 0);
	if (!protocol_wait_for_go())
		return;
	client_begin(client);
	client_finish(client);
	write_result(json, client);
}
