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
 * that want a worker get one by turns of their addresses: the first that is
 * through with another connection, or a free one. Free ones are woken one by
 * one, since waking a thread costs more than most answers do. When all workers
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

/* A worker has come for the descriptor that it was given: the connection
 * behind it. */
struct conn *park_conn(struct park *p, int fd);

/* What becomes of a connection that a worker is through with. */
enum park_fate {
	PARK_WAIT, /* waits for bytes until c->deadline */
	PARK_READY, /* wants a worker again, when it is its turn */
	PARK_CLOSE,
	PARK_AWAY, /* is the caller's from now on: park_conn_close() */
};

/* Close a connection that is nobody else's. */
void park_conn_close(struct conn *c);

/* A worker gives a connection back and gets the one whose turn it is: NULL
 * if nobody waits. It may not touch c again, unless it gets that. */
struct conn *park_next(struct park *p, struct conn *c, enum park_fate fate);

/* A worker without a connection waits for one, up to ms; NULL when none came.
 * While answers take less time than threads to wake up, this is how the
 * workers get at their next one. */
struct conn *park_poll(struct park *p, int ms);

/* A worker is free; it has no connection. */
void park_worker_free(struct park *p);

/* A worker waits for the peer of c since then (clock_mono_ms()), 0: no more.
 * Who is slow may be cut off for others, and is when the server stops. */
void park_waits(struct park *p, struct conn *c, int64_t since);

/* Whether somebody waits for a worker, so that none should dawdle. */
bool park_pressed(struct park *p);

/* The parking's own part of the counters. */
void park_stats(struct park *p, struct http_stats *st);

#endif
