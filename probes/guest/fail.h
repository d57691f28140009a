/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the VMM gives up: one sentence on stderr that says what is wrong, where, and what mends it.
 */
#ifndef KVMLAB_FAIL_H
#define KVMLAB_FAIL_H

enum status {
	STATUS_USAGE = 2,
	STATUS_FAILURE = 3,
	STATUS_LACKING = 4, /* this host lacks what the workload needs */
	STATUS_NOTHING_RAN = 77,
};

_Noreturn void fail(enum status status, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
