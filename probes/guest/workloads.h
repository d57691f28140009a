/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The workloads by name and number (WORKLOAD_* of mailbox.h), and which of them can be run here.
 */
#ifndef KVMLAB_WORKLOADS_H
#define KVMLAB_WORKLOADS_H

#include <stdbool.h>

#include "json.h"
#include "mailbox.h"

/* The most vCPUs a workload has. */
#define VCPUS_MAX 8

/* Exactly one of them is set. */
struct ability {
	const char *instruction; /* what the workload exits with */
	const char *reason;	 /* why it cannot be run here, a sentence without its full stop */
};

/* For a sentence. */
#define WORKLOAD_NAMES                                                                             \
	"halt, exit, userspace, hypercall, mmio, ipi, fpu, net_rr, net_stream or disk_rr"

/* WORKLOADS when it is no workload's name. */
unsigned int workload_number(const char *name);
const char *workload_name(unsigned int workload);

/* Whether a device (device.h) gives the guest its requests. */
bool workload_has_device(unsigned int workload);

/* How many vCPUs it needs at the least. */
unsigned int workload_vcpus(unsigned int workload);

/* Asks the architecture, this KVM and the CPUs this process may have. */
struct ability workload_ability(int kvm, unsigned int workload);

/* Adds "workloads": each one's name with its ability. */
void workloads_write(struct json *json, int kvm);

#endif
