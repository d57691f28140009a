/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line, checked before anything is set up.
 */
#ifndef KVMLAB_OPTIONS_H
#define KVMLAB_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "workloads.h"

struct options {
	bool describe;
	unsigned int workload; /* WORKLOAD_* */
	uint64_t count;
	uint64_t batch;
	const char *intervals_path;
	bool has_halt_poll_ns;
	uint32_t halt_poll_ns;
	int cpus[VCPUS_MAX]; /* each vCPU's own; -1: none was given */
	unsigned int timeout_s;
};

/* Ends the process with one sentence and status 2 when the command line is wrong. */
void options_parse(struct options *options, int argc, char **argv);

/* Reads decimal digits and nothing else; strtoull() by itself takes signs and blanks. */
bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *value);

#endif
