// SPDX-License-Identifier: Apache-2.0
#ifndef DEVICE_QDEV_JSON_H
#define DEVICE_QDEV_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * A JSON reader (RFC 8259) for small machines: nothing is allocated, values
 * stay where they were received. A text is checked once as a whole; values
 * in it are then looked up by name.
 */

/* The text of one value of a checked document, borrowed. */
struct qdev_json {
	const char *p;
	size_t len;
};

/* Deepest nesting that is accepted. */
#define QDEV_JSON_DEPTH 8

/* Check that text is one JSON value and nothing else, in UTF-8. PROTO when
 * it is not, or nests deeper than QDEV_JSON_DEPTH. */
enum q_err qdev_json_check(const char *text, size_t len,
    struct qdev_json *ret_value) Q_CHECKED;

/* The member of an object. NOTFOUND when there is none, PROTO when obj is
 * no object or has the name twice. Names up to 31 bytes can be found. */
enum q_err qdev_json_member(struct qdev_json obj, const char *name,
    struct qdev_json *ret_value) Q_CHECKED;

/* A string, its escapes resolved, and a NUL into out. PROTO when v is not
 * a string or holds U+0000, TOOBIG when it needs more than cap bytes; out is
 * undefined then. */
enum q_err qdev_json_string(struct qdev_json v, char *out, size_t cap)
    Q_CHECKED;

/* A whole number from 0 to max, without fraction or exponent. PROTO. */
enum q_err qdev_json_uint(struct qdev_json v, uint32_t max,
    uint32_t *ret_number) Q_CHECKED;

/* PROTO when v is neither true nor false. */
enum q_err qdev_json_bool(struct qdev_json v, bool *ret_bool) Q_CHECKED;

bool qdev_json_is_null(struct qdev_json v);

#endif
