// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/own.h"

#define SPAN_MAX (INT64_C(100) * 365 * 86400)

static const struct span_unit {
	char letter;
	int64_t seconds;
} units[] = {
	{ 'y', 365 * 86400 },
	{ 'd', 86400 },
	{ 'h', 3600 },
	{ 'm', 60 },
	{ 's', 1 },
	/* accepted, never printed */
	{ 'M', 30 * 86400 },
	{ 'w', 7 * 86400 },
};
#define SPAN_PRINTED 5

int64_t
clock_wall(void)
{
	return (int64_t)time(NULL);
}

int64_t
clock_mono_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t
clock_mono_ms(void)
{
	return clock_mono_ns() / 1000000;
}

enum q_err
span_parse(const char *text, int64_t *ret_seconds)
{
	int64_t n = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		n = n * 10 + (*p - '0');
		if (n > SPAN_MAX)
			return Q_INVALID;
	}
	if (p == text)
		return Q_INVALID;
	for (size_t i = 0; *p != '\0' && i < ARRAY_LEN(units); i++) {
		if (units[i].letter != *p)
			continue;
		n *= units[i].seconds;
		p++;
		break;
	}
	if (*p != '\0' || n > SPAN_MAX)
		return Q_INVALID;
	*ret_seconds = n;
	return Q_OK;
}

void
span_format(int64_t seconds, char *out)
{
	size_t i = 0;

	while (i < SPAN_PRINTED - 1 &&
	    (seconds % units[i].seconds != 0 || seconds < units[i].seconds))
		i++;
	snprintf(out, 24, "%" PRId64 "%c", seconds / units[i].seconds,
	    units[i].letter);
}

void
time_format(int64_t wall, char *out)
{
	time_t t = (time_t)wall;
	struct tm tm;

	gmtime_r(&t, &tm);
	if (strftime(out, 24, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		out[0] = '\0';
}
