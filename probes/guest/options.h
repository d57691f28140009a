/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line, checked before anything is set up.
 */
#ifndef KVMLAB_OPTIONS_H
#define KVMLAB_OPTIONS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "workloads.h"

#define PATIENCE_MS_DEFAULT 1000

struct options {
	bool describe;
	unsigned int workload; /* WORKLOAD_* */
	uint64_t count;
	uint64_t batch;
	const char *intervals_path;
	bool has_halt_poll_ns;
	uint32_t halt_poll_ns;
	int cpus[VCPUS_MAX]; /* each vCPU's own; -1: none was given */
	unsigned int vcpus;
	uint64_t tick_ns; /* of the vCPUs that do not serve */
	unsigned int timeout_s;
	/* Of the workloads with a network. */
	uint64_t burst;
	bool open_loop;
	bool tcp;
	int namespaces[2];	/* descriptors of the client's and the device's; -1: this one */
	struct in_addr address; /* the device's */
	uint64_t patience_ms;	/* for a reply */
	uint16_t remote_port;	/* of a VM of another process's; 0: the VM is ours */
};

/* Ends the process with one sentence and status 2 when the command line is wrong. */
void options_parse(struct options *options, int argc, char **argv);

/* Reads decimal digits and nothing else; strtoull() by itself takes signs and blanks. */
bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *value);

#endif
