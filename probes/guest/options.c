// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line, checked before anything is set up.
 */
#include "options.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch.h"
#include "checks.h"
#include "fail.h"
#include "usage.h"

/* 320 MB of guest memory for wake-ups; the identity maps of the guests reach 1 GiB. */
#define COUNT_MAX     10000000
#define BATCH_MAX     1000000000
#define BATCH_DEFAULT 100
#define TIMEOUT_MAX   86400

#define TICK_NS_DEFAULT 4000000 /* CONFIG_HZ=250 */
#define PATIENCE_MS_MAX 60000

enum {
	OPTION_WORKLOAD = 1,
	OPTION_COUNT,
	OPTION_BATCH,
	OPTION_INTERVALS,
	OPTION_BURST,
	OPTION_OPEN,
	OPTION_TCP,
	OPTION_NETNS,
	OPTION_ADDRESS,
	OPTION_PATIENCE,
	OPTION_REMOTE,
	OPTION_HALT_POLL_NS,
	OPTION_CPU,
	OPTION_VCPUS,
	OPTION_TICK,
	OPTION_TIMEOUT,
	OPTION_DESCRIBE,
	OPTION_HELP,
};

static const struct option long_options[] = {
	{"workload", required_argument, NULL, OPTION_WORKLOAD},
	{"count", required_argument, NULL, OPTION_COUNT},
	{"batch", required_argument, NULL, OPTION_BATCH},
	{"intervals", required_argument, NULL, OPTION_INTERVALS},
	{"burst", required_argument, NULL, OPTION_BURST},
	{"open", no_argument, NULL, OPTION_OPEN},
	{"tcp", no_argument, NULL, OPTION_TCP},
	{"netns", required_argument, NULL, OPTION_NETNS},
	{"address", required_argument, NULL, OPTION_ADDRESS},
	{"patience", required_argument, NULL, OPTION_PATIENCE},
	{"remote", required_argument, NULL, OPTION_REMOTE},
	{"halt-poll-ns", required_argument, NULL, OPTION_HALT_POLL_NS},
	{"cpu", required_argument, NULL, OPTION_CPU},
	{"vcpus", required_argument, NULL, OPTION_VCPUS},
	{"tick", required_argument, NULL, OPTION_TICK},
	{"timeout", required_argument, NULL, OPTION_TIMEOUT},
	{"describe", no_argument, NULL, OPTION_DESCRIBE},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return !errno && !*end && *value >= min && *value <= max;
}

static uint64_t number(const char *option, uint64_t min, uint64_t max)
{
	uint64_t value;

	if (!parse_number(optarg, min, max, &value))
		fail(STATUS_USAGE,
		     "--%s is '%s', which is not a whole number from %" PRIu64 " to %" PRIu64
		     ": give one",
		     option, optarg, min, max);
	return value;
}

static unsigned int workload(const char *name)
{
	unsigned int found = workload_number(name);

	if (found == WORKLOADS)
		fail(STATUS_USAGE, "--workload is '%s', which is none: give " WORKLOAD_NAMES, name);
	return found;
}

static void read_namespaces(int *namespaces)
{
	char *second = strchr(optarg, ',');

	if (!second)
		fail(STATUS_USAGE, "--netns is '%s', which is not two descriptors: give C,D",
		     optarg);
	*second++ = '\0';
	namespaces[0] = number("netns", 0, INT_MAX);
	optarg = second;
	namespaces[1] = number("netns", 0, INT_MAX);
}

static struct in_addr address(void)
{
	struct in_addr read;

	if (!inet_aton(optarg, &read))
		fail(STATUS_USAGE, "--address is '%s', which is no IPv4 address: give one", optarg);
	return read;
}

static void read_cpus(int *cpus)
{
	char *second = strchr(optarg, ',');

	if (second)
		*second++ = '\0';
	cpus[0] = number("cpu", 0, CPU_SETSIZE - 1);
	optarg = second;
	if (second)
		cpus[1] = number("cpu", 0, CPU_SETSIZE - 1);
}

void options_parse(struct options *options, int argc, char **argv)
{
	bool has_workload = false;
	bool has_batch = false;
	int option, at;

	*options = (struct options){
		.batch = BATCH_DEFAULT,
		.vcpus = 1,
		.tick_ns = TICK_NS_DEFAULT,
		.timeout_s = 60,
		.burst = 1,
		.namespaces = {-1, -1},
		.address.s_addr = htonl(INADDR_LOOPBACK),
		.patience_ms = PATIENCE_MS_DEFAULT,
	};
	for (unsigned int i = 0; i < VCPUS_MAX; i++)
		options->cpus[i] = -1;
	while (at = optind, (option = getopt_long(argc, argv, "+:", long_options, NULL)) != -1) {
		switch (option) {
		case OPTION_WORKLOAD:
			options->workload = workload(optarg);
			has_workload = true;
			break;
		case OPTION_COUNT:
			options->count = number("count", 1, COUNT_MAX);
			break;
		case OPTION_BATCH:
			options->batch = number("batch", 1, BATCH_MAX);
			has_batch = true;
			break;
		case OPTION_INTERVALS:
			options->intervals_path = optarg;
			break;
		case OPTION_BURST:
			options->burst = number("burst", 1, COUNT_MAX);
			break;
		case OPTION_OPEN:
			options->open_loop = true;
			break;
		case OPTION_TCP:
			options->tcp = true;
			break;
		case OPTION_NETNS:
			read_namespaces(options->namespaces);
			break;
		case OPTION_ADDRESS:
			options->address = address();
			break;
		case OPTION_PATIENCE:
			options->patience_ms = number("patience", 1, PATIENCE_MS_MAX);
			break;
		case OPTION_REMOTE:
			options->remote_port = number("remote", 1, UINT16_MAX);
			break;
		case OPTION_HALT_POLL_NS:
			options->halt_poll_ns = number("halt-poll-ns", 0, UINT32_MAX);
			options->has_halt_poll_ns = true;
			break;
		case OPTION_CPU:
			read_cpus(options->cpus);
			break;
		case OPTION_VCPUS:
			options->vcpus = number("vcpus", 1, VCPUS_MAX);
			break;
		case OPTION_TICK:
			options->tick_ns = number("tick", 1, arch.interval_max_ns);
			break;
		case OPTION_TIMEOUT:
			options->timeout_s = number("timeout", 1, TIMEOUT_MAX);
			break;
		case OPTION_DESCRIBE:
			options->describe = true;
			break;
		case OPTION_HELP:
			fputs(usage, stdout);
			exit(EXIT_SUCCESS);
		case ':':
			fail(STATUS_USAGE, "%s needs a value: see --help", argv[at]);
		default:
			fail(STATUS_USAGE, "%s is not an option: see --help", argv[at]);
		}
	}
	if (optind < argc)
		fail(STATUS_USAGE, "'%s' is not an option: see --help", argv[optind]);
	if (options->describe)
		return;
	options_check(options, has_workload, has_batch);
	if (!workload_has_device(options->workload))
		options->vcpus = workload_vcpus(options->workload);
}
