/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sends back what comes to its port, over UDP and TCP (RFC 862).
 */
#ifndef KVMLAB_LINUX_ECHO_H
#define KVMLAB_LINUX_ECHO_H

#include <netinet/in.h>
#include <stdint.h>

struct echo {
	int udp;
	int listener;
};

struct echo echo_open(in_addr_t address);

/* Answers until the console asks to `end`; returns how many messages. */
uint64_t echo_serve(const struct echo *echo);

#endif
