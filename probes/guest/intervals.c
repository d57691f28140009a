// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of wake-up intervals.
 */
#include "intervals.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

uint64_t *intervals_read(const struct options *options, uint64_t max)
{
	const char *path = options->intervals_path;
	uint64_t *intervals = calloc(options->count, sizeof(*intervals));
	FILE *file = fopen(path, "r");
	uint64_t line = 0;
	char text[64];

	if (!intervals)
		fail(STATUS_FAILURE, "no memory for %" PRIu64 " intervals: lower --count",
		     options->count);
	if (!file)
		fail(STATUS_USAGE, "the table of intervals %s cannot be read: %s", path,
		     strerror(errno));
	while (line < options->count && fgets(text, sizeof(text), file)) {
		text[strcspn(text, "\n")] = '\0';
		if (!parse_number(text, 1, max, &intervals[line++]))
			fail(STATUS_USAGE,
			     "line %" PRIu64 " of %s is '%s', which is not a whole number of ns "
			     "from 1 to %" PRIu64 ": mend the table",
			     line, path, text, max);
	}
	if (ferror(file))
		fail(STATUS_USAGE, "the table of intervals %s cannot be read: %s", path,
		     strerror(errno));
	if (line < options->count)
		fail(STATUS_USAGE,
		     "%s has %" PRIu64 " intervals and --count asks for %" PRIu64
		     ": lower --count or lengthen the table",
		     path, line, options->count);
	fclose(file);
	return intervals;
}
