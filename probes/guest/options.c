// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line, checked before anything is set up.
 */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpus.h"
#include "fail.h"

/* 320 MB of guest memory for wake-ups; the identity maps of the guests reach 1 GiB. */
#define COUNT_MAX     10000000
#define BATCH_MAX     1000000000
#define BATCH_DEFAULT 100
#define TIMEOUT_MAX   86400

static const char usage[] =
	"usage: kvmlab-guest --workload W --count N [options]\n"
	"       kvmlab-guest --describe\n"
	"\n"
	"Runs one tiny VM and prints what it measured, as JSON. Waits for the line `go` on stdin.\n"
	"\n"
	"  --workload W        halt: arm a timer, halt, take the interrupt; exit: the cheapest "
	"exit\n"
	"                      that the kernel handles; hypercall: one that the kernel answers;\n"
	"                      userspace: an exit to this process and back; mmio: a load that "
	"this\n"
	"                      process answers; ipi: an interrupt to a second vCPU, until it is\n"
	"                      handled; fpu: write to the vector registers, then what exit does\n"
	"  --count N           wake-ups, or samples of a batch of exits\n"
	"  --batch B           exits in a sample (all but halt; 100)\n"
	"  --intervals FILE    wake-up intervals in ns, one on each line, at least N (halt)\n"
	"  --halt-poll-ns N    this VM's ceiling of halt polling, instead of the module's "
	"parameter\n"
	"  --cpu N[,M]         run vCPU 0 on this CPU only, and vCPU 1 on that (ipi; any but N)\n"
	"  --timeout SECONDS   give up after that long (60)\n"
	"  --describe          say what the guest does on this architecture, and what KVM can do\n";

enum {
	OPTION_WORKLOAD = 1,
	OPTION_COUNT,
	OPTION_BATCH,
	OPTION_INTERVALS,
	OPTION_HALT_POLL_NS,
	OPTION_CPU,
	OPTION_TIMEOUT,
	OPTION_DESCRIBE,
	OPTION_HELP,
};

static const struct option long_options[] = {
	{"workload", required_argument, NULL, OPTION_WORKLOAD},
	{"count", required_argument, NULL, OPTION_COUNT},
	{"batch", required_argument, NULL, OPTION_BATCH},
	{"intervals", required_argument, NULL, OPTION_INTERVALS},
	{"halt-poll-ns", required_argument, NULL, OPTION_HALT_POLL_NS},
	{"cpu", required_argument, NULL, OPTION_CPU},
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

static void check_cpus(const int *cpus, unsigned int vcpus)
{
	for (unsigned int i = 0; i < VCPUS_MAX; i++)
		if (cpus[i] >= 0 && !cpus_can_pin(cpus[i]))
			fail(STATUS_USAGE,
			     "--cpu is %d, where this process may not run (%s): give one that is "
			     "online and in its cpuset",
			     cpus[i], strerror(errno));
	if (vcpus == 1 && cpus[1] >= 0)
		fail(STATUS_USAGE,
		     "the second CPU of --cpu belongs to --workload ipi: leave it out");
	if (cpus[0] >= 0 && cpus[0] == cpus[1])
		fail(STATUS_USAGE,
		     "--cpu has %d twice, and the vCPUs spin for each other: give two", cpus[0]);
	if (cpus[0] < 0 && cpus_now() < vcpus && cpus_allowed() >= vcpus)
		fail(STATUS_USAGE, "--cpu is missing: this process is confined to one CPU, and "
				   "the vCPUs of --workload ipi need one each");
}

static void check(const struct options *options, bool has_workload, bool has_batch)
{
	bool halt = options->workload == WORKLOAD_HALT;

	if (!has_workload)
		fail(STATUS_USAGE, "--workload is missing: give " WORKLOAD_NAMES);
	if (!options->count)
		fail(STATUS_USAGE, "--count is missing: say how many wake-ups or samples to take");
	if (halt && !options->intervals_path)
		fail(STATUS_USAGE,
		     "--intervals is missing: --workload halt needs a file of wake-up intervals "
		     "in ns, one on each line");
	if (!halt && options->intervals_path)
		fail(STATUS_USAGE, "--intervals belongs to --workload halt only: leave it out");
	if (halt && has_batch)
		fail(STATUS_USAGE, "--batch belongs to any --workload but halt: leave it out");
	check_cpus(options->cpus, workload_vcpus(options->workload));
}

void options_parse(struct options *options, int argc, char **argv)
{
	bool has_workload = false;
	bool has_batch = false;
	int option, at;

	*options = (struct options){.batch = BATCH_DEFAULT, .cpus = {-1, -1}, .timeout_s = 60};
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
		case OPTION_HALT_POLL_NS:
			options->halt_poll_ns = number("halt-poll-ns", 0, UINT32_MAX);
			options->has_halt_poll_ns = true;
			break;
		case OPTION_CPU:
			read_cpus(options->cpus);
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
	if (!options->describe)
		check(options, has_workload, has_batch);
}
