// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Wall time, seconds since 1970 UTC; milliseconds since boot; nanoseconds
 * since boot. */
int64_t clock_wall(void);
int64_t clock_mono_ms(void);
int64_t clock_mono_ns(void);

/* A life time as people write it: a number and one of s m h d w M y (M = 30
 * days, y = 365 days); a bare number is seconds. INVALID for anything else
 * and for more than 100 years. */
enum q_err span_parse(const char *text, int64_t *ret_seconds) Q_CHECKED;

/* The inverse, in the largest unit that divides: 2592000 -> "30d". out holds
 * 24 bytes. */
void span_format(int64_t seconds, char *out);

/* RFC 3339 in UTC, "2026-11-22T17:00:00Z" and NUL: out holds 24 bytes. */
void time_format(int64_t wall, char *out);

#endif
