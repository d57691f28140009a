/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A disk that completes each request a set time after the doorbell rang for it. The guest asks
 * again as soon as it has the last completion: a closed loop of depth one.
 */
#ifndef KVMLAB_DISK_H
#define KVMLAB_DISK_H

#include "device.h"

extern const struct source disk;

#endif
