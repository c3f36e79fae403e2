// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "http/peers.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/own.h"

#define HASH_SIZE 4096
#define STATES (CONN_BUSY + 1)
#define LOOK_AHEAD 16 /* addresses compared for a free worker */

struct peer {
	uint8_t key[8];
	unsigned count[STATES];
	unsigned rank; /* connections held: the list it is in */
	bool queued;
	struct conn_list line[STATES];
	LIST_ENTRY(peer) chain;
	LIST_ENTRY(peer) equal;
	TAILQ_ENTRY(peer) turn;
};

LIST_HEAD(peer_list, peer);
TAILQ_HEAD(peer_turns, peer);

struct peers {
	unsigned cap;
	unsigned top; /* no address holds more than this many */
	unsigned count[STATES];
	uint64_t secret;
	struct peer_turns turns; /* those with READY connections */
	struct peer_list hash[HASH_SIZE];
	struct peer_list rank[]; /* by connections held, 0 to cap + 1 */
};

enum q_err
peers_new(unsigned cap, struct peers **ret_peers)
{
	struct peers *t = calloc(1, sizeof(*t) +
	    (cap + 2ULL) * sizeof(t->rank[0]));

	if (t == NULL)
		return Q_NOMEM;
	if (getrandom(&t->secret, sizeof(t->secret), 0) !=
	    (ssize_t)sizeof(t->secret)) {
		free(t);
		return Q_INTERNAL;
	}
	t->secret |= 1;
	t->cap = cap;
	TAILQ_INIT(&t->turns);
	*ret_peers = t;
	return Q_OK;
}

void
peers_free(struct peers *t)
{
	free(t);
}

/* A v4 address, mapped or not, is all of it; of a v6 address the /64 that a
 * single customer has. */
static void
peer_key(const struct sockaddr_storage *a, uint8_t key[8])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;

	memset(key, 0, 8);
	if (a->ss_family == AF_INET)
		memcpy(key + 4, &v4->sin_addr, 4);
	else if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		memcpy(key + 4, v6->sin6_addr.s6_addr + 12, 4);
	else
		memcpy(key, v6->sin6_addr.s6_addr, 8);
}

static struct peer_list *
peer_bucket(struct peers *t, const uint8_t key[8])
{
	uint64_t v;

	memcpy(&v, key, sizeof(v));
	v = (v ^ v >> 31) * t->secret;
	return &t->hash[(v ^ v >> 29) % HASH_SIZE];
}

static struct peer *
peer_get(struct peers *t, const struct sockaddr_storage *addr)
{
	struct peer *p;
	struct peer_list *bucket;
	uint8_t key[8];

	peer_key(addr, key);
	bucket = peer_bucket(t, key);
	LIST_FOREACH(p, bucket, chain)
		if (memcmp(p->key, key, sizeof(key)) == 0)
			return p;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return NULL;
	memcpy(p->key, key, sizeof(key));
	for (size_t i = 0; i < ARRAY_LEN(p->line); i++)
		TAILQ_INIT(&p->line[i]);
	LIST_INSERT_HEAD(bucket, p, chain);
	LIST_INSERT_HEAD(&t->rank[0], p, equal);
	return p;
}

/* Bring everything that hangs on p's counts up to date. */
static void
peer_update(struct peers *t, struct peer *p)
{
	unsigned held = p->count[CONN_PARKED] + p->count[CONN_READY];
	bool queued = p->count[CONN_READY] != 0;

	if (queued != p->queued) {
		if (queued)
			TAILQ_INSERT_TAIL(&t->turns, p, turn);
		else
			TAILQ_REMOVE(&t->turns, p, turn);
		p->queued = queued;
	}
	LIST_REMOVE(p, equal);
	if (held + p->count[CONN_BUSY] == 0) {
		LIST_REMOVE(p, chain);
		free(p);
	} else {
		p->rank = held <= t->cap ? held : t->cap + 1;
		LIST_INSERT_HEAD(&t->rank[p->rank], p, equal);
		if (p->rank > t->top)
			t->top = p->rank;
	}
	while (t->top > 0 && LIST_EMPTY(&t->rank[t->top]))
		t->top--;
}

static void
conn_link(struct peers *t, struct conn *c, enum conn_state state)
{
	c->state = state;
	TAILQ_INSERT_TAIL(&c->peer->line[state], c, link);
	c->peer->count[state]++;
	t->count[state]++;
}

static void
conn_unlink(struct peers *t, struct conn *c)
{
	TAILQ_REMOVE(&c->peer->line[c->state], c, link);
	c->peer->count[c->state]--;
	t->count[c->state]--;
}

enum q_err
peers_add(struct peers *t, struct conn *c)
{
	c->peer = peer_get(t, &c->addr);
	if (c->peer == NULL)
		return Q_NOMEM;
	conn_link(t, c, CONN_PARKED);
	peer_update(t, c->peer);
	return Q_OK;
}

void
peers_move(struct peers *t, struct conn *c, enum conn_state state)
{
	conn_unlink(t, c);
	conn_link(t, c, state);
	peer_update(t, c->peer);
}

void
peers_remove(struct peers *t, struct conn *c)
{
	conn_unlink(t, c);
	peer_update(t, c->peer);
	c->peer = NULL;
}

struct conn *
peers_next(struct peers *t)
{
	struct peer *p, *best = NULL;
	unsigned looked = 0;

	TAILQ_FOREACH(p, &t->turns, turn) {
		if (best == NULL ||
		    p->count[CONN_BUSY] < best->count[CONN_BUSY])
			best = p;
		if (++looked == LOOK_AHEAD)
			break;
	}
	if (best == NULL)
		return NULL;
	TAILQ_REMOVE(&t->turns, best, turn);
	TAILQ_INSERT_TAIL(&t->turns, best, turn);
	return TAILQ_FIRST(&best->line[CONN_READY]);
}

/* Those in line for a worker have shown more good will. */
static struct conn *
peer_oldest(struct peer *p)
{
	struct conn *c = TAILQ_FIRST(&p->line[CONN_PARKED]);

	return c != NULL ? c : TAILQ_FIRST(&p->line[CONN_READY]);
}

struct conn *
peers_over(struct peers *t, const struct conn *c)
{
	return c->peer->rank > t->cap ? peer_oldest(c->peer) : NULL;
}

struct conn *
peers_greediest(struct peers *t)
{
	return t->top > 0 ? peer_oldest(LIST_FIRST(&t->rank[t->top])) : NULL;
}

/* The address that has most workers, and its slowest connection. */
struct conn *
peers_slowest(struct peers *t, int64_t before)
{
	struct conn *c, *worst = NULL;
	struct peer *p;
	unsigned most = 1;

	for (size_t i = 0; i <= t->top; i++)
		LIST_FOREACH(p, &t->rank[i], equal) {
			if (p->count[CONN_BUSY] < most)
				continue;
			TAILQ_FOREACH(c, &p->line[CONN_BUSY], link) {
				int64_t since = atomic_load(&c->slow_since);

				if (since == 0 || since > before)
					continue;
				most = p->count[CONN_BUSY];
				worst = c;
				break;
			}
		}
	return worst;
}

unsigned
peers_count(const struct peers *t, enum conn_state state)
{
	return t->count[state];
}
