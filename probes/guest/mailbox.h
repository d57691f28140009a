/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the VMM and the guest share: where things lie in guest memory, the mailbox, the table of
 * samples behind it, and the calls the guest makes. Read by C and by assembly, so it is made of
 * plain preprocessor constants; the C structures below are checked against them.
 *
 * Every field is 64 bits wide and in the byte order of the guest, which is that of its host.
 *
 *   base + 0                the image of <arch>.S, copied as it is
 *   base + SCRATCH_OFFSET   for the architecture: page tables, descriptor tables, stacks
 *   base + MAILBOX_OFFSET   struct mailbox
 *   base + TABLE_OFFSET     count × struct wakeup or struct service, or (count + 1) × counter
 */
#ifndef KVMLAB_MAILBOX_H
#define KVMLAB_MAILBOX_H

#define SCRATCH_OFFSET 0x8000
#define MAILBOX_OFFSET 0x10000
#define TABLE_OFFSET   0x11000

/* From the mailbox's address, which is what the guest is handed. */
#define MB_WORKLOAD	0
#define MB_COUNT	8
#define MB_BATCH	16
#define MB_TABLE_BYTES	24
#define MB_COMPLETED	32
#define MB_SPURIOUS	40
#define MB_START_BEFORE 48
#define MB_START_AFTER	56
#define MB_END_BEFORE	64
#define MB_END_AFTER	72
#define MB_FAULT	80
#define MB_FEATURES	88
#define MB_READY	256
#define MB_RECEIVED	264
#define MB_OVER		272
#define MB_REQUEST	280
#define MB_ANSWER	288
#define MB_PEERS	512
#define MB_TABLE	(TABLE_OFFSET - MAILBOX_OFFSET)

#define WORKLOAD_HALT	    0
#define WORKLOAD_EXIT	    1
#define WORKLOAD_USERSPACE  2
#define WORKLOAD_HYPERCALL  3
#define WORKLOAD_MMIO	    4
#define WORKLOAD_IPI	    5
#define WORKLOAD_FPU	    6
#define WORKLOAD_NET_RR	    7
#define WORKLOAD_NET_STREAM 8
#define WORKLOAD_DISK_RR    9
#define WORKLOADS	    10

#define WAKEUP_TICKS  0
#define WAKEUP_BEFORE 8
#define WAKEUP_ARMED  16
#define WAKEUP_WOKEN  24
#define WAKEUP_SIZE   32

#define PEERS_MAX    7
#define PEER_SIZE    256
#define PEER_WAKEUPS 32 /* behind a struct wakeup */

#define SERVICE_REQUEST	 0
#define SERVICE_HALTED	 8
#define SERVICE_ANSWERED 16
#define SERVICE_WOKEN	 WAKEUP_WOKEN /* one handler serves both */
#define SERVICE_SIZE	 32

/*
 * The guest's calls, in the order it makes them. How a call's number travels is the architecture's
 * affair (struct arch, call). CALL_ROUND_TRIP is the userspace workload, and the mmio workload.
 * vCPU 1 makes CALL_WARM and CALL_DONE only.
 */
#define CALL_NONE	0
#define CALL_WARM	1
#define CALL_START	2
#define CALL_ROUND_TRIP 3
#define CALL_END	4
#define CALL_DONE	5
#define CALL_FAULT	6

/* The guest writes to every page of the table before CALL_WARM, in steps of this. */
#define TOUCH_STEP 4096

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

struct wakeup {
	uint64_t ticks;	 /* what to arm the timer with; the only one the VMM writes */
	uint64_t before; /* counter before arming */
	uint64_t armed;	 /* counter after arming */
	uint64_t woken;	 /* counter at the first instruction of the handler; 0 until then */
};

/* A vCPU that does not serve, but wakes from time to time as an idle kernel's does. */
struct peer {
	_Alignas(PEER_SIZE) struct wakeup wakeup; /* the one at hand */
	uint64_t wakeups;			  /* how many there were */
};

struct mailbox {
	/* For the guest to read. */
	uint64_t workload;
	uint64_t count;
	uint64_t batch;
	uint64_t table_bytes;
	/* For the guest to write. */
	uint64_t completed;
	uint64_t spurious;
	uint64_t start_before; /* counter read just before CALL_START … */
	uint64_t start_after;  /* … and just after it */
	uint64_t end_before;
	uint64_t end_after;
	uint64_t fault; /* the architecture's number of what broke, for CALL_FAULT */
	/* For the guest to read: bits that <arch>.h names, set by <arch>.c. */
	uint64_t features;
	/* Between the vCPUs, in a cache line of its own: the longest line there is has 256 bytes. */
	_Alignas(256) uint64_t ready; /* 1: vCPU 1 takes interrupts */
	uint64_t received;	      /* interrupts vCPU 1 has handled */
	uint64_t over;		      /* 1: vCPU 1 is to make CALL_DONE */
	/* Between the device and vCPU 0. */
	uint64_t request; /* the number of the one to answer; 0: there are no more */
	uint64_t answer;  /* its number again, before the doorbell rings */
	struct peer peers[PEERS_MAX];
};

struct service {
	uint64_t request;  /* its number */
	uint64_t halted;   /* counter before halting */
	uint64_t answered; /* counter before ringing the doorbell */
	uint64_t woken;	   /* as above */
};

#define MB_CHECK(field, offset) _Static_assert(offsetof(struct mailbox, field) == (offset), #field)
MB_CHECK(workload, MB_WORKLOAD);
MB_CHECK(count, MB_COUNT);
MB_CHECK(batch, MB_BATCH);
MB_CHECK(table_bytes, MB_TABLE_BYTES);
MB_CHECK(completed, MB_COMPLETED);
MB_CHECK(spurious, MB_SPURIOUS);
MB_CHECK(start_before, MB_START_BEFORE);
MB_CHECK(start_after, MB_START_AFTER);
MB_CHECK(end_before, MB_END_BEFORE);
MB_CHECK(end_after, MB_END_AFTER);
MB_CHECK(fault, MB_FAULT);
MB_CHECK(features, MB_FEATURES);
MB_CHECK(ready, MB_READY);
MB_CHECK(received, MB_RECEIVED);
MB_CHECK(over, MB_OVER);
MB_CHECK(request, MB_REQUEST);
MB_CHECK(answer, MB_ANSWER);
MB_CHECK(peers, MB_PEERS);
_Static_assert(sizeof(struct mailbox) <= MB_TABLE, "the mailbox runs into the table");
_Static_assert(offsetof(struct wakeup, ticks) == WAKEUP_TICKS, "ticks");
_Static_assert(offsetof(struct wakeup, before) == WAKEUP_BEFORE, "before");
_Static_assert(offsetof(struct wakeup, armed) == WAKEUP_ARMED, "armed");
_Static_assert(offsetof(struct wakeup, woken) == WAKEUP_WOKEN, "woken");
_Static_assert(sizeof(struct wakeup) == WAKEUP_SIZE, "wakeup");
_Static_assert(offsetof(struct peer, wakeups) == PEER_WAKEUPS, "wakeups");
_Static_assert(offsetof(struct service, request) == SERVICE_REQUEST, "request");
_Static_assert(offsetof(struct service, halted) == SERVICE_HALTED, "halted");
_Static_assert(offsetof(struct service, answered) == SERVICE_ANSWERED, "answered");
_Static_assert(offsetof(struct service, woken) == SERVICE_WOKEN, "woken of a service");
_Static_assert(sizeof(struct service) == SERVICE_SIZE, "service");
#endif

#endif
