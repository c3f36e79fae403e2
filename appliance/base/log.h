// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_LOG_H
#define BASE_LOG_H

/*
 * Daemons log to standard error, one line each, with the priority prefix of
 * sd-daemon(3) when the journal reads it. Library code never logs. Untrusted
 * text goes through %s like any other: every byte outside printable ASCII is
 * escaped on the way out.
 */
enum log_level { LOG_ERROR = 3, LOG_WARN = 4, LOG_NOTE = 5, LOG_INFO = 6,
	LOG_DEBUG = 7 };

/* name must outlive the process's use of the log. */
void log_open(const char *name, enum log_level max);

void log_at(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_WARN, __VA_ARGS__)
#define log_note(...) log_at(LOG_NOTE, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)

/* A broken invariant of our own: log it and end the process. */
void log_fatal(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));

#endif
