// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdint.h>

/*
 * Every error Quoin can report, written once: name, number on the wire, HTTP
 * status, exit code of the command line tools (sysexits(3)), text. Numbers
 * are wire protocol: never reuse one.
 */
#define Q_ERR_TABLE(X)                                                   \
	X(OK, 0, 200, 0, "success")                                      \
	X(INTERNAL, 1, 500, 70, "internal error")                        \
	X(PROTO, 2, 400, 76, "malformed message")                        \
	X(INVALID, 3, 400, 65, "invalid value")                          \
	X(DENIED, 4, 403, 77, "not permitted")                           \
	X(NOTFOUND, 5, 404, 66, "not found")                             \
	X(EXISTS, 6, 409, 73, "already exists")                          \
	X(CONFLICT, 7, 409, 75, "changed by somebody else meanwhile")    \
	X(TOOBIG, 8, 413, 65, "too large")                               \
	X(UNAVAIL, 9, 503, 69, "unavailable")                            \
	X(TIMEOUT, 10, 504, 69, "timed out")                             \
	X(NOMEM, 11, 500, 71, "out of memory")                           \
	X(IO, 12, 500, 74, "input/output error")                         \
	X(BUSY, 13, 429, 75, "too many requests")                        \
	X(UNAUTH, 14, 401, 77, "not authenticated")                      \
	X(METHOD, 15, 405, 64, "method not allowed")                     \
	X(TYPE, 16, 415, 65, "unsupported content type")                 \
	X(SIGNATURE, 17, 400, 65, "signature does not verify")           \
	X(USAGE, 18, 400, 64, "wrong usage")                             \
	X(CONFIG, 19, 500, 78, "wrong configuration")                    \
	X(PENDING, 20, 202, 75, "will be answered later")                \
	X(WAIT, 21, 202, 75, "waits for an operator's approval")         \
	X(STALE, 22, 412, 75, "changed since it was read")

enum q_err {
#define X(name, num, http, code, text) Q_##name = (num),
	Q_ERR_TABLE(X)
#undef X
};

/* What went wrong, for the person at the other end: one plain line without
 * a newline, and the seconds after which another try makes sense (0: no
 * advice). A NULL fault is accepted everywhere and ignored. */
struct fault {
	enum q_err code;
	uint32_t retry_after;
	char msg[200];
};

/* Fill f (may be NULL) and return code, so that `return fault_set(...)` is
 * the whole error path. */
enum q_err fault_set(struct fault *f, enum q_err code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with an advice when to come back. */
enum q_err fault_retry(struct fault *f, enum q_err code, uint32_t seconds,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The error of a number that somebody else sent; INTERNAL for one that there
 * is not, and for PENDING, which nobody answers. */
enum q_err q_err_of(uint32_t number);

/* Text, HTTP status and exit code of an error; unknown numbers count as
 * INTERNAL. */
const char *q_err_text(enum q_err e);
const char *q_err_name(enum q_err e);
int q_err_http(enum q_err e);
int q_err_exit(enum q_err e);

/* The message of a fault, or the error's own text when it has none. */
const char *fault_text(const struct fault *f, enum q_err e);

#define Q_CHECKED __attribute__((warn_unused_result))

#endif
