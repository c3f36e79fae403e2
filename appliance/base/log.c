// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *log_name = "quoin";
static enum log_level log_max = LOG_INFO;
static int log_journal;

void
log_open(const char *name, enum log_level max)
{
	log_name = name;
	log_max = max;
	log_journal = getenv("JOURNAL_STREAM") != NULL;
}

/* One write(2) per line, so that lines of several threads never mix. */
static void
log_line(enum log_level level, const char *fmt, va_list ap)
{
	char raw[1024], line[2400];
	size_t n;
	int used;

	vsnprintf(raw, sizeof(raw), fmt, ap);
	if (log_journal) {
		used = snprintf(line, sizeof(line), "<%d>", (int)level);
	} else {
		time_t now = time(NULL);
		struct tm tm;

		gmtime_r(&now, &tm);
		used = snprintf(line, sizeof(line),
		    "%04d-%02d-%02dT%02d:%02d:%02dZ %s[%d]: ",
		    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		    tm.tm_min, tm.tm_sec, log_name, (int)getpid());
	}
	n = (size_t)used;
	for (const char *p = raw; *p != '\0' && n < sizeof(line) - 8; p++) {
		unsigned char c = (unsigned char)*p;

		if (c >= 0x20 && c < 0x7f)
			line[n++] = (char)c;
		else
			n += (size_t)snprintf(line + n, 5, "\\x%02x", c);
	}
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0)
		return; /* nobody is left to be told */
}

void
log_at(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	if (level > log_max)
		return;
	va_start(ap, fmt);
	log_line(level, fmt, ap);
	va_end(ap);
}

void
log_fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_ERROR, fmt, ap);
	va_end(ap);
	abort();
}
