/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where threads may run. The agent keeps itself, and so this process at its start, off the CPU it
 * measures on: the cpuset is the limit, not the affinity that is found.
 */
#ifndef KVMLAB_CPUS_H
#define KVMLAB_CPUS_H

#include <stdbool.h>

/* How many CPUs the cpuset allows. */
unsigned int cpus_allowed(void);

/* How many the calling thread is confined to now. */
unsigned int cpus_now(void);

/* Confines the calling thread to `cpu`; false, with errno set, where that is not possible. */
bool cpus_pin(int cpu);

/* Confines the calling thread to all that is allowed but `cpu`; false likewise. */
bool cpus_avoid(int cpu);

/* Whether cpus_pin() would work. */
bool cpus_can_pin(int cpu);

#endif
