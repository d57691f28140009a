// SPDX-License-Identifier: GPL-2.0-only
/*
 * How this process and whoever started it agree on a beginning: ../README.md.
 */
#include "protocol.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"

void protocol_say_ready(struct json *json, const struct thread *threads, unsigned int count)
{
	json_object(json, NULL);
	json_object(json, "ready");
	json_integer(json, "pid", getpid());
	json_array(json, "vcpus");
	for (unsigned int i = 0; i < count; i++) {
		json_object(json, NULL);
		json_integer(json, "id", threads[i].vcpu.id);
		json_integer(json, "tid", threads[i].tid);
		json_object_end(json);
	}
	json_array_end(json);
	json_object_end(json);
	json_object_end(json);
	json_line_end(json);
}

bool protocol_wait_for_go(void)
{
	char line[16];

	if (!fgets(line, sizeof(line), stdin))
		return false;
	if (strcmp(line, "go\n"))
		fail(STATUS_USAGE,
		     "the line on stdin was not `go`: write that to run the guest, or close stdin "
		     "to leave");
	return true;
}
