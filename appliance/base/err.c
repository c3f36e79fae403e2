// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

static const struct err_row {
	enum q_err code;
	int http;
	int exit_code;
	const char *name;
	const char *text;
} rows[] = {
#define X(name, num, http, code, text) \
	{ Q_##name, (http), (code), #name, (text) },
	Q_ERR_TABLE(X)
#undef X
};

static const struct err_row *
row_of(enum q_err e)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].code == e)
			return &rows[i];
	return &rows[1];
}

enum q_err
q_err_of(uint32_t number)
{
	enum q_err e = (enum q_err)number;

	return e == Q_PENDING ? Q_INTERNAL : row_of(e)->code;
}

static enum q_err
fault_vset(struct fault *f, enum q_err code, uint32_t seconds,
    const char *fmt, va_list ap)
{
	if (f == NULL)
		return code;
	f->code = code;
	f->retry_after = seconds;
	vsnprintf(f->msg, sizeof(f->msg), fmt, ap);
	return code;
}

enum q_err
fault_set(struct fault *f, enum q_err code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fault_vset(f, code, 0, fmt, ap);
	va_end(ap);
	return code;
}

enum q_err
fault_retry(struct fault *f, enum q_err code, uint32_t seconds,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fault_vset(f, code, seconds, fmt, ap);
	va_end(ap);
	return code;
}

const char *
q_err_text(enum q_err e)
{
	return row_of(e)->text;
}

const char *
q_err_name(enum q_err e)
{
	return row_of(e)->name;
}

int
q_err_http(enum q_err e)
{
	return row_of(e)->http;
}

int
q_err_exit(enum q_err e)
{
	return row_of(e)->exit_code;
}

const char *
fault_text(const struct fault *f, enum q_err e)
{
	return f != NULL && f->code == e && f->msg[0] != '\0' ? f->msg
							      : q_err_text(e);
}
