/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A pair of programs for each function. bcc gives functions of the main file their section by
 * itself, but cannot where one macro makes several; those of a header it leaves alone.
 */
#pragma once

#ifdef FENTRY
#define ENTER(index, name) kfunc__##name
#define LEAVE(index, name) kretfunc__##name
#else
#define ENTER(index, name) enter_##index
#define LEAVE(index, name) leave_##index
#endif

#define TEXT(...)     #__VA_ARGS__
#define PROGRAM(name) __attribute__((section(".bpf.fn." TEXT(name)))) int name(void *ctx)
#define PAIR(index, name)                                                                          \
	PROGRAM(ENTER(index, name))                                                                \
	{                                                                                          \
		return enter(index);                                                               \
	}                                                                                          \
	PROGRAM(LEAVE(index, name))                                                                \
	{                                                                                          \
		return leave(index);                                                               \
	}

EACH(PAIR)
