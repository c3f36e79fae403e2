// SPDX-License-Identifier: Apache-2.0
#ifndef HTTP_PARK_H
#define HTTP_PARK_H

#include <stdbool.h>
#include <stdint.h>

#include "http/http.h"
#include "http/peers.h"

/*
 * PARKING. A worker thread is taken only by a connection that has something
 * for it to do. One thread accepts, and keeps in epoll:
 *	- new connections, until a whole ClientHello can be peeked (plain
 *	  ports: a byte), then
 *	- handshakes and request heads of which the rest is not there yet,
 *	- connections kept alive.
 * Each has a deadline. An address may hold so many, the server so many; over
 * that the oldest goes, of that address or of the one that holds most. Those
 * that want a worker get one by turns of their addresses. When all workers
 * are taken and somebody waits, the slowest sender of the address with most
 * workers is cut off.
 */
struct park;

struct park_config {
	bool tls;
	unsigned workers;
	unsigned total;
	unsigned per_address;
	unsigned hello_ms;
	/* Give a connection to a worker: must not block nor call back. */
	void (*give)(void *ctx, struct conn *c);
	void *ctx;
};

/* listener is non-blocking, stays the caller's, and open until park_stop().
 * NOMEM. */
enum q_err park_new(const struct park_config *cfg, int listener,
    struct park **ret_park) Q_CHECKED;

/* Accept from now on. NOMEM. */
enum q_err park_run(struct park *p) Q_CHECKED;

/* End the thread, cut off who is slow: workers come back soon, and get no
 * more work. */
void park_stop(struct park *p);

/* Close what is left; no worker may be alive. NULL is accepted. */
void park_free(struct park *p);

/* The connection behind a descriptor that was given. */
struct conn *park_conn(struct park *p, int fd);

/* A worker gives a connection back: to wait for bytes until c->deadline, or
 * (ready) for another worker at once. The worker may not touch it again. */
void park_back(struct park *p, struct conn *c, bool ready);

/* A worker is through with a connection: close it. */
void park_close(struct park *p, struct conn *c);

/* A worker is free. */
void park_worker_free(struct park *p);

/* Whether somebody waits for a worker, so that none should dawdle. */
bool park_pressed(struct park *p);

/* The parking's own part of the counters. */
void park_stats(struct park *p, struct http_stats *st);

#endif
