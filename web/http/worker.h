// SPDX-License-Identifier: Apache-2.0
#ifndef HTTP_WORKER_H
#define HTTP_WORKER_H

/* The worker threads' own: serve.c, and serve_begin.c up to the head. */
#include <netinet/in.h>

#include "http/head.h"
#include "http/io.h"
#include "http/server.h"

/* One worker thread: everything of the request it is at. */
struct worker {
	struct http_server *s;
	struct conn *c; /* NULL: none */
	const uint8_t *in; /* head, then what came after */
	size_t in_len;
	size_t head_len;
	struct buf body;
	struct buf out;
	struct buf allow;
	struct http_response rs;
	char remote[INET6_ADDRSTRLEN];
	char scratch[HTTP_LINE_MAX + 1];
	struct http_head head;
	struct body_source source;
	char space[HTTP_READ_SIZE]; /* for what does not go by civetweb */
};

/* From one connection to the next, or to none. */
void worker_leave(struct worker *w, enum park_fate fate);
void worker_close(struct worker *w);

/* Back to the parking, with n bytes at p for the next worker. */
void worker_park(struct worker *w, const void *p, size_t n, bool ready);

/* Answer what could not be read to its end, and close. */
void worker_refuse(struct worker *w, int status, const char *why,
    bool problem);

/* Handshake and head of the worker's connection, into buf. False when it is
 * left for another. */
bool worker_begin(struct worker *w, char *buf, size_t cap);

#endif
