/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A field of a tracepoint. Offsets and types come in as -D from the running kernel's format
 * files: <EVENT>_<FIELD>_OFFSET and <EVENT>_<FIELD>_TYPE.
 */
#pragma once

#define FIELD(ctx, name) (*(name##_TYPE *)((void *)(ctx) + name##_OFFSET))
