// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of the guest.
 */
#include "fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <termios.h>
#include <unistd.h>

noreturn void leave(void)
{
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
	reboot(RB_POWER_OFF);
	exit(EXIT_FAILURE);
}

noreturn void fail(const char *format, ...)
{
	va_list values;

	va_start(values, format);
	printf("{\"failed\": \"");
	vprintf(format, values);
	printf("\"}\n");
	va_end(values);
	leave();
}

int check(const char *what, int answer)
{
	if (answer < 0)
		fail("%s failed: %s", what, strerror(errno));
	return answer;
}
