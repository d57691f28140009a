// SPDX-License-Identifier: GPL-2.0-only
/*
 * The console, where the guest and who measures it talk in lines.
 */
#include "console.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define HALTPOLL "/sys/module/haltpoll/parameters/"

bool console_is_asked_to(const char *word)
{
	char line[16];

	if (!fgets(line, sizeof(line), stdin))
		return false;
	line[strcspn(line, "\n")] = '\0';
	return !strcmp(line, word);
}

/* What a file of one line says, as a member of a JSON object; null where there is none. */
static void say(const char *key, const char *path, bool text)
{
	char line[128];
	FILE *file = fopen(path, "r");

	printf(", \"%s\": ", key);
	if (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		printf(text ? "\"%s\"" : "%s", line);
	} else {
		printf("null");
	}
	if (file)
		fclose(file);
}

void console_say_ready(void)
{
	struct utsname name;

	uname(&name);
	printf("\n{\"ready\": {\"kernel\": \"%s\", \"cpus\": %ld", name.release,
	       sysconf(_SC_NPROCESSORS_ONLN));
	say("clocksource", "/sys/devices/system/clocksource/clocksource0/current_clocksource",
	    true);
	say("idle_driver", "/sys/devices/system/cpu/cpuidle/current_driver", true);
	say("idle_governor", "/sys/devices/system/cpu/cpuidle/current_governor", true);
	say("guest_halt_poll_ns", HALTPOLL "guest_halt_poll_ns", false);
	say("guest_halt_poll_grow", HALTPOLL "guest_halt_poll_grow", false);
	say("guest_halt_poll_grow_start", HALTPOLL "guest_halt_poll_grow_start", false);
	say("guest_halt_poll_shrink", HALTPOLL "guest_halt_poll_shrink", false);
	printf("}}\n");
	fflush(stdout);
}
