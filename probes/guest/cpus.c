// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where threads may run, found by going there: the kernel cuts an affinity down to the cpuset.
 */
#include "cpus.h"

#include <sched.h>
#include <string.h>

static bool confine(const cpu_set_t *set)
{
	return !sched_setaffinity(0, sizeof(*set), set);
}

static cpu_set_t now(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	sched_getaffinity(0, sizeof(set), &set);
	return set;
}

static cpu_set_t all(void)
{
	cpu_set_t set;

	memset(&set, 0xff, sizeof(set));
	return set;
}

unsigned int cpus_now(void)
{
	cpu_set_t set = now();

	return CPU_COUNT(&set);
}

unsigned int cpus_allowed(void)
{
	cpu_set_t before = now();
	cpu_set_t every = all();
	unsigned int count;

	confine(&every);
	count = cpus_now();
	confine(&before);
	return count;
}

bool cpus_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return confine(&set);
}

bool cpus_avoid(int cpu)
{
	cpu_set_t set = all();

	CPU_CLR(cpu, &set);
	return confine(&set);
}

bool cpus_can_pin(int cpu)
{
	cpu_set_t before = now();

	return cpus_pin(cpu) && confine(&before);
}
