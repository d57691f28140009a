/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The end of the guest.
 */
#ifndef KVMLAB_LINUX_FAIL_H
#define KVMLAB_LINUX_FAIL_H

#include <stdnoreturn.h>

/* Switches the guest off once all it said has left it. */
noreturn void leave(void);

/* Says what it cannot do in one sentence, {"failed": "…"}, and leaves. */
noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Returns `answer`, of a system call; fails with `what` and errno where it is negative. */
int check(const char *what, int answer);

#endif
