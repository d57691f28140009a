/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The network as a source of requests: a client at the far end of a wire sends them, and the
 * answers go back to it.
 */
#ifndef KVMLAB_NET_H
#define KVMLAB_NET_H

#include "device.h"

extern const struct source net;

#endif
