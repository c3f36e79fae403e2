// SPDX-License-Identifier: Apache-2.0
#ifndef HTTP_PEERS_H
#define HTTP_PEERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "http/http.h"

struct peer;

enum conn_state {
	CONN_PARKED, /* in epoll, waiting for bytes */
	CONN_READY, /* wants a worker */
	CONN_BUSY, /* has one */
};

/* One connection. Who holds it is told by its state: the parking (PARKED,
 * READY; under its lock) or a worker (BUSY). */
struct conn {
	int fd;
	enum conn_state state;
	bool hello; /* has not sent a whole ClientHello (or byte) yet */
	bool late; /* its deadline is over: a worker shall say so */
	struct ssl_st *ssl; /* NULL before the handshake, and on plain ports */
	int64_t deadline; /* clock_mono_ms() at which waiting ends; 0: none */
	uint8_t *ahead; /* read already, not yet used */
	size_t ahead_len;
	struct http_slot slot;
	/* clock_mono_ms() since when a worker waits for the peer; 0: it does
	 * not */
	_Atomic int64_t slow_since;
	struct peer *peer;
	struct sockaddr_storage addr;
	TAILQ_ENTRY(conn) link;
};

TAILQ_HEAD(conn_list, conn);

/*
 * All connections by address (an IPv6 /64 is one address): who holds how
 * many, and whose turn it is. Not locked here.
 */
struct peers;

/* cap: how many connections one address may hold besides those being
 * served. NOMEM. */
enum q_err peers_new(unsigned cap, struct peers **ret_peers) Q_CHECKED;

/* Only when it is empty. NULL is accepted. */
void peers_free(struct peers *t);

/* Count a new connection, whose fd and addr are set, as PARKED. NOMEM. */
enum q_err peers_add(struct peers *t, struct conn *c) Q_CHECKED;

/* Move a connection to another state, at the end of its line. */
void peers_move(struct peers *t, struct conn *c, enum conn_state state);

/* Forget a connection; it is the caller's. */
void peers_remove(struct peers *t, struct conn *c);

/* The connection that should get the next worker, or NULL: addresses take
 * turns, those with fewer workers first. */
struct conn *peers_next(struct peers *t);

/* The connection that has waited longest of the address of c, if that holds
 * more than the cap; of the address that holds most. NULL if there is none. */
struct conn *peers_over(struct peers *t, const struct conn *c);
struct conn *peers_greediest(struct peers *t);

/* For a READY connection of an address without a worker: the BUSY one that
 * has been slow the longest, since before `before`, of the address with the
 * most workers. NULL if there is none. */
struct conn *peers_slowest(struct peers *t, int64_t before);

/* How many are in a state. */
unsigned peers_count(const struct peers *t, enum conn_state state);

#endif
