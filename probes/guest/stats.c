// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM's binary statistics. The layout is in the file itself, so statistics of later kernels show up
 * by themselves.
 */
#include "stats.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fail.h"
#include "vm.h"

static void read_at(const struct stats *stats, void *buffer, size_t bytes, uint32_t offset)
{
	ssize_t got = pread(stats->fd, buffer, bytes, offset);

	if (got != (ssize_t)bytes)
		fail(STATUS_FAILURE,
		     "KVM's statistics cannot be read (%zd of %zu bytes at %u: %s): this kernel's "
		     "KVM_GET_STATS_FD is broken, leave this host out",
		     got, bytes, offset, got < 0 ? strerror(errno) : "cut short");
}

static void *allocate(size_t bytes)
{
	void *memory = calloc(1, bytes);

	if (!memory)
		fail(STATUS_FAILURE, "no memory for KVM's statistics: free some on this host");
	return memory;
}

static const struct kvm_stats_desc *desc(const struct stats *stats, uint32_t index)
{
	return (const struct kvm_stats_desc *)(stats->descs + (size_t)index * stats->desc_bytes);
}

void stats_open(struct stats *stats, int kvm, int fd)
{
	struct kvm_stats_header header;

	*stats = (struct stats){.fd = -1};
	if (ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_BINARY_STATS_FD) <= 0)
		return;
	stats->fd = KVM_DO(fd, KVM_GET_STATS_FD, 0);
	read_at(stats, &header, sizeof(header), 0);
	stats->count = header.num_desc;
	stats->data_offset = header.data_offset;
	/* The name follows each descriptor, padded to a length that the header gives. */
	stats->desc_bytes = sizeof(struct kvm_stats_desc) + header.name_size;
	stats->descs = allocate((size_t)stats->count * stats->desc_bytes);
	read_at(stats, stats->descs, (size_t)stats->count * stats->desc_bytes, header.desc_offset);
	for (uint32_t i = 0; i < stats->count; i++) {
		uint32_t end = desc(stats, i)->offset + desc(stats, i)->size * sizeof(uint64_t);

		if (end > stats->data_bytes)
			stats->data_bytes = end;
	}
	stats->before = allocate(stats->data_bytes);
	stats->after = allocate(stats->data_bytes);
}

void stats_before(struct stats *stats)
{
	if (stats->fd >= 0)
		read_at(stats, stats->before, stats->data_bytes, stats->data_offset);
}

void stats_after(struct stats *stats)
{
	if (stats->fd >= 0)
		read_at(stats, stats->after, stats->data_bytes, stats->data_offset);
}

static bool is_difference(const struct kvm_stats_desc *desc)
{
	uint32_t type = desc->flags & KVM_STATS_TYPE_MASK;

	return type != KVM_STATS_TYPE_INSTANT && type != KVM_STATS_TYPE_PEAK;
}

static void write_one(const struct stats *stats, const struct kvm_stats_desc *desc,
		      struct json *json)
{
	uint32_t first = desc->offset / sizeof(uint64_t);
	bool difference = is_difference(desc);

	if (desc->size != 1)
		json_array(json, desc->name);
	for (uint32_t i = first; i < first + desc->size; i++)
		json_integer(json, desc->size == 1 ? desc->name : NULL,
			     stats->after[i] - (difference ? stats->before[i] : 0));
	if (desc->size != 1)
		json_array_end(json);
}

void stats_write(const struct stats *stats, struct json *json, const char *key)
{
	if (stats->fd < 0) {
		json_null(json, key);
		return;
	}
	json_object(json, key);
	for (uint32_t i = 0; i < stats->count; i++)
		write_one(stats, desc(stats, i), json);
	json_object_end(json);
}
