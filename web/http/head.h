// SPDX-License-Identifier: Apache-2.0
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/http.h"

/* A refusal: 0, or the status of the error and one line why. */
struct http_refusal {
	int status;
	const char *why;
};

/* A request head, taken apart. Everything points into text. */
struct http_head {
	const char *method;
	const char *path;
	const char *query;
	struct http_refusal odd; /* the path's, unless a {*} takes it */
	const char *content_type;
	bool version_1_1;
	bool head; /* the method was HEAD; method says GET */
	bool keep_alive;
	bool close; /* the client says so */
	bool expect_continue;
	bool chunked;
	int64_t content_length; /* -1: none given */
	unsigned seen; /* which of the headers that come only once */
	size_t n;
	struct {
		const char *name;
		const char *value;
	} line[HTTP_HEADERS_MAX];
	char type[128];
	char text[HTTP_LINE_MAX + HTTP_HEAD_MAX + 8];
};

/* Where the head that starts at p ends, behind its empty line: 0 in *ret_len
 * when more has to come. Refuses what is over the limits already: 414, 431. */
struct http_refusal http_head_end(const uint8_t *p, size_t len,
    size_t *ret_len);

/*
 * Take apart a whole head (RFC 9112), strictly: CRLF only, no folding, no
 * space before a colon, one Host, and one way alone to tell the body's
 * length. 400, 411, 417, 501 or 505. *ret_head is undefined then.
 */
struct http_refusal http_head_parse(const uint8_t *p, size_t len,
    struct http_head *ret_head);

/* First value of that header, or NULL. */
const char *http_head_get(const struct http_head *h, const char *name);

/* Percent-decode in[0..len) into out with a NUL: false for a bad escape, a
 * control character or when it does not fit. plus: "+" is a space. */
bool http_unescape(const char *in, size_t len, bool plus, char *out,
    size_t cap);

#endif
