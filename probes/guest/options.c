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
#include "cpus.h"
#include "fail.h"

/* 320 MB of guest memory for wake-ups; the identity maps of the guests reach 1 GiB. */
#define COUNT_MAX     10000000
#define BATCH_MAX     1000000000
#define BATCH_DEFAULT 100
#define TIMEOUT_MAX   86400

#define PATIENCE_MS_DEFAULT 1000
#define TICK_NS_DEFAULT	    4000000 /* CONFIG_HZ=250 */
#define PATIENCE_MS_MAX	    60000

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
	"                      handled; fpu: write to the vector registers, then what exit does;\n"
	"                      net_rr, net_stream: answer requests of a client on a network, one\n"
	"                      by one or in bursts; disk_rr: wait for completions of a disk\n"
	"  --count N           wake-ups, requests, or samples of a batch of exits\n"
	"  --batch B           exits in a sample (exit to fpu; 100)\n"
	"  --intervals FILE    times in ns, one on each line, at least N: wake-up intervals (halt),\n"
	"                      between requests (net), from request to completion (disk)\n"
	"  --burst B           requests sent together, with one interval before them "
	"(net_stream)\n"
	"  --open              requests go out at their times, whatever became of those before "
	"(net)\n"
	"  --tcp               instead of UDP (net)\n"
	"  --netns C,D         descriptors of the client's and the device's network namespaces "
	"(net);\n"
	"                      without them both are here, on the loopback\n"
	"  --address A         the device's IPv4 address (net; 127.0.0.1)\n"
	"  --patience MS       without any reply for that long, those that lack are lost (net; 1000)\n"
	"  --halt-poll-ns N    this VM's ceiling of halt polling, instead of the module's "
	"parameter\n"
	"  --vcpus V           vCPUs in all; vCPU 0 serves, the others tick (net, disk; 1)\n"
	"  --tick NS           wakes those others (4000000)\n"
	"  --cpu N[,M]         run vCPU 0 on this CPU only, and vCPU 1 on that (ipi; any but N)\n"
	"  --timeout SECONDS   give up after that long (60)\n"
	"  --describe          say what the guest does on this architecture, and what KVM can do\n";

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

static void check_cpus(const int *cpus, unsigned int workload)
{
	unsigned int vcpus = workload_vcpus(workload);

	for (unsigned int i = 0; i < VCPUS_MAX; i++)
		if (cpus[i] >= 0 && !cpus_can_pin(cpus[i]))
			fail(STATUS_USAGE,
			     "--cpu is %d, where this process may not run (%s): give one that is "
			     "online and in its cpuset",
			     cpus[i], strerror(errno));
	if (cpus[1] >= 0 && workload != WORKLOAD_IPI)
		fail(STATUS_USAGE,
		     "the second CPU of --cpu belongs to --workload ipi: leave it out");
	if (cpus[0] >= 0 && cpus[0] == cpus[1])
		fail(STATUS_USAGE,
		     "--cpu has %d twice, and the vCPUs spin for each other: give two", cpus[0]);
	if (cpus[0] < 0 && cpus_now() < vcpus && cpus_allowed() >= vcpus)
		fail(STATUS_USAGE, "--cpu is missing: this process is confined to one CPU, and "
				   "the vCPUs of --workload ipi need one each");
}

static bool has_client(const struct options *options)
{
	return options->workload == WORKLOAD_NET_RR || options->workload == WORKLOAD_NET_STREAM;
}

static void check_network(const struct options *options)
{
	bool stream = options->workload == WORKLOAD_NET_STREAM;
	bool given = options->open_loop || options->tcp || options->namespaces[0] >= 0 ||
		     options->patience_ms != PATIENCE_MS_DEFAULT;

	if (given && !has_client(options))
		fail(STATUS_USAGE,
		     "--open, --tcp, --netns and --patience belong to --workload net_rr "
		     "and net_stream: leave them out");
	if (stream != (options->burst > 1))
		fail(STATUS_USAGE,
		     "--burst belongs to --workload net_stream, which needs one of at "
		     "least 2: give it there and nowhere else");
}

static void check(const struct options *options, bool has_workload, bool has_batch)
{
	bool timed = options->workload == WORKLOAD_HALT || workload_has_device(options->workload);

	if (!has_workload)
		fail(STATUS_USAGE, "--workload is missing: give " WORKLOAD_NAMES);
	if (!options->count)
		fail(STATUS_USAGE, "--count is missing: say how many wake-ups or samples to take");
	if (timed && !options->intervals_path)
		fail(STATUS_USAGE,
		     "--intervals is missing: --workload %s needs a file of intervals in ns, one on "
		     "each line",
		     workload_name(options->workload));
	if (!timed && options->intervals_path)
		fail(STATUS_USAGE, "--intervals does not belong to --workload %s: leave it out",
		     workload_name(options->workload));
	if (timed && has_batch)
		fail(STATUS_USAGE, "--batch does not belong to --workload %s: leave it out",
		     workload_name(options->workload));
	check_network(options);
	if (options->vcpus > 1 && !workload_has_device(options->workload))
		fail(STATUS_USAGE, "--vcpus does not belong to --workload %s: leave it out",
		     workload_name(options->workload));
	check_cpus(options->cpus, options->workload);
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
	check(options, has_workload, has_batch);
	if (!workload_has_device(options->workload))
		options->vcpus = workload_vcpus(options->workload);
}
