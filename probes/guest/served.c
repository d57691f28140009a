// SPDX-License-Identifier: GPL-2.0-only
/*
 * What device, client and guest saw of requests, in the host's nanoseconds.
 */
#include "served.h"

#include "client.h"

static void write_wakeups(struct json *json, const struct device *device,
			  const struct timeline *timeline)
{
	const struct service *services = vm_services(device->vm);

	json_array(json, "latency_ns");
	for (uint64_t i = 0; i < device->vm->mailbox->completed; i++)
		json_integer(json, NULL,
			     timeline_ns(timeline, services[i].woken) - device->injected[i]);
	json_array_end(json);
	json_integer(json, "latency_error_ns", timeline_error_ns(timeline));
}

/* A disk's are the guest's own: from one doorbell to the wake-up by its completion. */
static void write_completions(struct json *json, const struct device *device,
			      const struct counter *counter)
{
	const struct mailbox *mailbox = device->vm->mailbox;
	const struct service *services = vm_services(device->vm);
	uint64_t asked = mailbox->start_after;

	json_array(json, "round_trip_ns");
	for (uint64_t i = 0; i < mailbox->completed; i++) {
		json_integer(json, NULL, counter_ns(counter, services[i].woken - asked));
		asked = services[i].answered;
	}
	json_array_end(json);
}

void served_write_replies(struct json *json, const struct client *client)
{
	json_array(json, "round_trip_ns");
	for (uint64_t i = 0; i < client->requests; i++)
		if (client->received[i])
			json_integer(json, NULL, client->received[i] - client->due[i]);
	json_array_end(json);
	if (!client->options->open_loop)
		return;
	json_array(json, "send_late_ns");
	for (uint64_t i = 0; i < client->requests; i++)
		json_integer(json, NULL, client->sent[i] - client->due[i]);
	json_array_end(json);
}

/* Interrupts that were sent before the guest had come to its halt. */
static uint64_t early(const struct device *device, const struct timeline *timeline)
{
	const struct service *services = vm_services(device->vm);
	uint64_t count = 0;

	for (uint64_t i = 0; i < device->vm->mailbox->completed; i++)
		count += timeline_ns(timeline, services[i].halted) > (int64_t)device->injected[i];
	return count;
}

static void write_tally(struct json *json, const struct device *device, uint64_t early)
{
	const struct client *client = device->client;
	uint64_t completed = device->vm->mailbox->completed;
	uint64_t sent = client ? client->requests : device->options->count;
	uint64_t replies = client ? client->replies : completed;

	json_object(json, "requests");
	json_integer(json, "sent", sent);
	json_integer(json, "interrupts", device->interrupts);
	json_integer(json, "early", early);
	json_integer(json, "replies", replies);
	json_integer(json, "lost", sent - replies);
	json_integer(json, "strange", client ? client->strange : 0);
	json_integer(json, "device_cpu_ns", device->cpu_ns);
	if (client)
		json_integer(json, "client_cpu_ns", client->cpu_ns);
	json_object_end(json);
}

void served_write(struct json *json, const struct device *device, const struct counter *counter,
		  const struct timeline *timeline)
{
	write_wakeups(json, device, timeline);
	if (device->client)
		served_write_replies(json, device->client);
	else
		write_completions(json, device, counter);
	write_tally(json, device, early(device, timeline));
}
