/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What --help prints.
 */
#ifndef KVMLAB_USAGE_H
#define KVMLAB_USAGE_H

extern const char usage[];

#endif
