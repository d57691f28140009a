/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM's binary statistics of a VM or a vCPU (Documentation/virt/kvm/api.rst,
 * KVM_GET_STATS_FD): read twice, and the difference written as JSON.
 */
#ifndef KVMLAB_STATS_H
#define KVMLAB_STATS_H

#include <stdint.h>

#include "json.h"

struct stats {
	int fd; /* -1: this KVM has none (before Linux 5.14) */
	uint32_t count;
	uint32_t data_offset;
	uint32_t desc_bytes;
	uint8_t *descs;
	uint32_t data_bytes;
	uint64_t *before;
	uint64_t *after;
};

/* `fd` is that of the VM or the vCPU; `kvm` tells whether there are any. */
void stats_open(struct stats *stats, int kvm, int fd);
void stats_before(struct stats *stats);
void stats_after(struct stats *stats);

/*
 * One object: after less before for cumulative statistics and histograms, the value after for
 * instant and peak ones; lists where there are several values. null when this KVM has none.
 */
void stats_write(const struct stats *stats, struct json *json, const char *key);

#endif
