// SPDX-License-Identifier: GPL-2.0-only
/*
 * The last sentence of a VMM that gives up.
 */
#include "fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void fail(enum status status, const char *format, ...)
{
	va_list arguments;

	flockfile(stderr); /* two threads may give up at once; the first one speaks */
	fputs("kvmlab-guest: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	fflush(stderr);
	/* Not exit(): what stdout has buffered is a line cut short. */
	_exit(status);
}
