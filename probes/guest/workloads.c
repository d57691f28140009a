// SPDX-License-Identifier: GPL-2.0-only
/*
 * The workloads, and which of them can be run here.
 */
#include "workloads.h"

#include <string.h>

#include "arch.h"
#include "cpus.h"
#include "device.h"

static const char *const names[WORKLOADS] = {
	[WORKLOAD_HALT] = "halt",
	[WORKLOAD_EXIT] = "exit",
	[WORKLOAD_USERSPACE] = "userspace",
	[WORKLOAD_HYPERCALL] = "hypercall",
	[WORKLOAD_MMIO] = "mmio",
	[WORKLOAD_IPI] = "ipi",
	[WORKLOAD_FPU] = "fpu",
	[WORKLOAD_NET_RR] = "net_rr",
	[WORKLOAD_NET_STREAM] = "net_stream",
	[WORKLOAD_DISK_RR] = "disk_rr",
};

unsigned int workload_number(const char *name)
{
	unsigned int workload = 0;

	while (workload < WORKLOADS && strcmp(name, names[workload]))
		workload++;
	return workload;
}

const char *workload_name(unsigned int workload)
{
	return names[workload];
}

bool workload_has_device(unsigned int workload)
{
	return workload == WORKLOAD_NET_RR || workload == WORKLOAD_NET_STREAM ||
	       workload == WORKLOAD_DISK_RR;
}

unsigned int workload_vcpus(unsigned int workload)
{
	return workload == WORKLOAD_IPI ? 2 : 1;
}

struct ability workload_ability(int kvm, unsigned int workload)
{
	/* On one CPU each would wait for the end of the other's time slice: no cost of an IPI. */
	if (workload_vcpus(workload) > cpus_allowed())
		return (struct ability){
			.reason = "its two vCPUs spin for each other and need a CPU each, and "
				  "there is one",
		};
	if (workload_has_device(workload) && device_lacking(kvm))
		return (struct ability){.reason = device_lacking(kvm)};
	return arch.ability(kvm, workload);
}

static void write_text_or_null(struct json *json, const char *key, const char *text)
{
	if (text)
		json_text(json, key, text);
	else
		json_null(json, key);
}

void workloads_write(struct json *json, int kvm)
{
	json_object(json, "workloads");
	for (unsigned int workload = 0; workload < WORKLOADS; workload++) {
		struct ability ability = workload_ability(kvm, workload);

		json_object(json, names[workload]);
		write_text_or_null(json, "instruction", ability.instruction);
		write_text_or_null(json, "reason", ability.reason);
		json_object_end(json);
	}
	json_object_end(json);
}
