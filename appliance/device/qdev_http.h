// SPDX-License-Identifier: Apache-2.0
#ifndef DEVICE_QDEV_HTTP_H
#define DEVICE_QDEV_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* HTTP/1.1 (RFC 9112) as a device needs it: one POST, one bounded answer. */

/* Text being written into a buffer of the caller's; `bad` sticks when it
 * did not fit. */
struct qdev_out {
	char *p;
	size_t cap;
	size_t len;
	bool bad;
};

void qdev_out_text(struct qdev_out *o, const char *text);
void qdev_out_number(struct qdev_out *o, uint32_t n);

/* A JSON string with its quotes; control bytes become '?'. */
void qdev_out_json(struct qdev_out *o, const char *text);

/* Base64 (RFC 4648 section 4) in one line. */
void qdev_out_base64(struct qdev_out *o, const uint8_t *p, size_t len);

/* Longest request head that qdev_http_request writes. */
#define QDEV_HTTP_HEAD 512

/*
 * Put the head of `POST path` right before the JSON body that stands at
 * buf + QDEV_HTTP_HEAD, and give the start of the whole request, ready to
 * be sent: *ret_len bytes. TOOBIG when host and path are too long.
 */
enum q_err qdev_http_request(char *buf, const char *host, const char *path,
    size_t body_len, const char **ret_request, size_t *ret_len) Q_CHECKED;

/* An answer as it arrives. The first block is for the caller to read. */
struct qdev_http {
	bool done;
	bool keep_alive;
	int status;
	uint32_t retry_after;		/* seconds, 0: not said */
	char *body;			/* ends with NUL once done */
	size_t body_len;

	size_t body_cap;
	int state;
	bool chunked, has_length;
	uint32_t left;			/* of the body or of the chunk */
	size_t head_len;
	size_t line_len;
	char line[512];
};

/* Wait for an answer; its body goes to buf, at most cap - 1 bytes. */
void qdev_http_start(struct qdev_http *h, char *buf, size_t cap);

/*
 * Take what the peer sent. OK: go on until h->done. PROTO when it is not
 * HTTP, has neither Content-Length nor chunks, or goes on behind its end;
 * TOOBIG when a line, the head or the body is too long.
 */
enum q_err qdev_http_feed(struct qdev_http *h, const char *p, size_t len)
    Q_CHECKED;

/* The error that an HTTP status stands for; OK for 200 only. */
enum q_err qdev_http_err(int status);

#endif
