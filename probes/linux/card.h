/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's network card.
 */
#ifndef KVMLAB_LINUX_CARD_H
#define KVMLAB_LINUX_CARD_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

struct sockaddr card_name(in_addr_t address, uint16_t port);

/* Waits for the card to show itself, gives it the address and brings it up. */
void card_set_up(in_addr_t address, int prefix);

/* Makes the client's hardware address known, so that no ARP falls into a trial. */
void card_know(in_addr_t address, const char *mac);

#endif
