// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether the options of a command line belong together.
 */
#include "checks.h"

#include <errno.h>
#include <string.h>

#include "cpus.h"
#include "fail.h"

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
		     options->remote_port || options->patience_ms != PATIENCE_MS_DEFAULT;

	if (given && !has_client(options))
		fail(STATUS_USAGE,
		     "--open, --tcp, --netns, --patience and --remote belong to --workload net_rr "
		     "and net_stream: leave them out");
	if (stream != (options->burst > 1))
		fail(STATUS_USAGE,
		     "--burst belongs to --workload net_stream, which needs one of at "
		     "least 2: give it there and nowhere else");
}

void options_check(const struct options *options, bool has_workload, bool has_batch)
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
