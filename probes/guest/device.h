/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device with one slot, on a thread of its own: for each request it puts the request's number
 * into the mailbox and interrupts the guest; when the guest has rung the doorbell it takes the
 * answer and then the next request. Nothing is coalesced: requests served, interrupts and answers
 * are equal in number. Where requests come from and answers go to is a source's affair.
 *
 * The guest rings once before its first wait, so that nothing comes before it can take it.
 */
#ifndef KVMLAB_DEVICE_H
#define KVMLAB_DEVICE_H

#include <pthread.h>
#include <stdint.h>

#include "options.h"
#include "vm.h"

struct client;
struct device;

struct source {
	/* The guest waits for its first request. */
	void (*begin)(struct device *device);
	/* Waits for a request and returns its number, from 1; 0 when there will be none. */
	uint64_t (*next)(struct device *device);
	/* Takes the guest's answer to the request just served. */
	void (*answer)(struct device *device, uint64_t number);
	/* Waits until all that is outside of the VM has come to its end. */
	void (*finish)(struct device *device);
};

struct device {
	const struct vm *vm;
	const struct options *options;
	const uint64_t *intervals;
	const struct source *source;
	struct client *client; /* of the network; NULL for a disk */
	int irq;	       /* eventfd that interrupts the guest, where KVM has irqfds */
	int doorbell;	       /* eventfd that the guest rings */
	uint64_t *injected;    /* CLOCK_MONOTONIC just before each interrupt */
	uint64_t interrupts;
	uint64_t rung_at; /* CLOCK_MONOTONIC, when this thread saw the doorbell's last ring */
	uint64_t cpu_ns;  /* of this thread, while it served */
	pthread_t thread;
};

/* For a VM whose vCPUs are there; `intervals` in ns, one for each request or burst. */
void device_start(struct device *device, const struct vm *vm, const struct options *options,
		  const uint64_t *intervals);

/* Returns when device and source are done with a guest that is. */
void device_finish(struct device *device);

/* Zeroed room for a number of each request; ends the process with a sentence where there is none. */
uint64_t *device_allocate(const struct options *options);

/* For the architecture: an interrupt by irqfd, and the connection it needs. */
void device_signal(const struct device *device);
void device_connect_irqfd(const struct vm *vm, const struct device *device, uint32_t gsi);

/* Why neither can be had of this KVM, or NULL. */
const char *device_lacking(int kvm);

#endif
