/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Log-linear buckets: exact below 32, then 32 to each power of two, so that a bucket is
 * never wider than 1/32 of its lower edge. results/FORMAT.md has the formula; the reader
 * of the results computes the same.
 */
#pragma once

#define LOGLINEAR_BITS 5

static __always_inline u32 log2_u64(u64 value)
{
	u32 shift, result = 0;

	shift = (value > 0xffffffffULL) << 5;
	value >>= shift;
	result |= shift;
	shift = (value > 0xffff) << 4;
	value >>= shift;
	result |= shift;
	shift = (value > 0xff) << 3;
	value >>= shift;
	result |= shift;
	shift = (value > 0xf) << 2;
	value >>= shift;
	result |= shift;
	shift = (value > 0x3) << 1;
	value >>= shift;
	result |= shift;
	return result | (value >> 1);
}

static __always_inline u32 loglinear_bucket(u64 value)
{
	u32 above;

	if (value < (1 << LOGLINEAR_BITS))
		return value;
	above = log2_u64(value) - LOGLINEAR_BITS;
	return (above << LOGLINEAR_BITS) + (u32)(value >> above);
}
