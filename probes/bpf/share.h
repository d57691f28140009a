/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a program on a tracepoint returns. When one of the programs there says 0, the kernel
 * keeps the event from everybody who records it with perf (perf_trace_run_bpf_submit() in
 * kernel/events/core.c): whoever watches a host blinds nobody else.
 */
#pragma once

#define SHARE 1
