/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The console, where the guest and who measures it talk in lines. Nothing is said on it while
 * something is measured: each character is an exit.
 */
#ifndef KVMLAB_LINUX_CONSOLE_H
#define KVMLAB_LINUX_CONSOLE_H

#include <stdbool.h>

/* Waits for a line; true where it is `word`. */
bool console_is_asked_to(const char *word);

/* Says {"ready": {…}}: what this guest is. */
void console_say_ready(void);

#endif
