// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "enrold/throttle.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"

#define WAYS 4
#define SETS 1024	/* of 4 each: 4096 addresses, as many tokens */
#define FORGET_MS 900000

struct mark {
	uint64_t id;		/* 0: empty */
	int64_t last_ms;	/* latest failure, or success */
	int64_t until_ms;	/* refused up to here */
	unsigned failures;
};

struct table {
	struct mark mark[SETS][WAYS];
};

struct throttle {
	pthread_mutex_t lock;
	int64_t (*now_ms)(void);
	uint64_t seed;		/* nobody can aim at somebody else's place */
	struct table from, what, good;
};

enum q_err
throttle_new(struct throttle **ret_throttle)
{
	struct throttle *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return Q_NOMEM;
	if (getrandom(&t->seed, sizeof(t->seed), 0) != sizeof(t->seed)) {
		free(t);
		return Q_INTERNAL;
	}
	t->now_ms = clock_mono_ms;
	pthread_mutex_init(&t->lock, NULL);
	*ret_throttle = t;
	return Q_OK;
}

void
throttle_free(struct throttle *t)
{
	if (t == NULL)
		return;
	pthread_mutex_destroy(&t->lock);
	free(t);
}

void
throttle_clock(struct throttle *t, int64_t (*now_ms)(void))
{
	t->now_ms = now_ms != NULL ? now_ms : clock_mono_ms;
}

static uint64_t
id_of(const struct throttle *t, const void *p, size_t len)
{
	const uint8_t *at = p;
	uint64_t h = t->seed ^ 14695981039346656037u; /* FNV-1a, then mixed */

	for (size_t i = 0; i < len; i++)
		h = (h ^ at[i]) * 1099511628211u;
	h = (h ^ h >> 29 ^ t->seed) * 0xbf58476d1ce4e5b9u;
	h ^= h >> 32;
	return h != 0 ? h : 1;
}

static uint64_t
id_of_address(const struct throttle *t, const char *from)
{
	struct in6_addr a;

	/* Who has one address of a /64 has all of them. */
	if (inet_pton(AF_INET6, from, &a) == 1 && !IN6_IS_ADDR_V4MAPPED(&a))
		return id_of(t, &a, 8);
	return id_of(t, from, strlen(from));
}

static struct mark *
mark_find(struct table *tab, uint64_t id)
{
	struct mark *set = tab->mark[id % SETS];

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].id == id)
			return &set[i];
	return NULL;
}

/* The mark of this id, a new one if need be. */
static struct mark *
mark_make(struct table *tab, uint64_t id, int64_t now)
{
	struct mark *m = mark_find(tab, id), *set = tab->mark[id % SETS];

	if (m != NULL && now - m->last_ms < FORGET_MS)
		return m;
	for (size_t i = 0; m == NULL && i < WAYS; i++)
		if (set[i].id == 0)
			m = &set[i];
	if (m == NULL)
		m = set;
	for (size_t i = 0; m->id != 0 && m->id != id && i < WAYS; i++)
		if (set[i].last_ms < m->last_ms)
			m = &set[i];
	*m = (struct mark){ .id = id };
	return m;
}

static int64_t
mark_left(struct table *tab, uint64_t id, int64_t now)
{
	const struct mark *m = mark_find(tab, id);

	return m != NULL && m->until_ms > now ? m->until_ms - now : 0;
}

static void
mark_failed(struct table *tab, uint64_t id, int64_t now)
{
	struct mark *m = mark_make(tab, id, now);
	unsigned over;
	int64_t wait = THROTTLE_MAX;

	m->last_ms = now;
	if (++m->failures < THROTTLE_FREE)
		return;
	over = m->failures - THROTTLE_FREE;
	if (over < 16 && (int64_t)1 << over < wait)
		wait = (int64_t)1 << over;
	m->until_ms = now + wait * 1000;
}

enum q_err
throttle_check(struct throttle *t, const char *from, const char *what,
    struct fault *f)
{
	uint64_t whose = id_of_address(t, from);
	uint64_t which = id_of(t, what, strlen(what));
	int64_t now, left, other;
	const struct mark *good;

	pthread_mutex_lock(&t->lock);
	now = t->now_ms();
	good = mark_find(&t->good, which);
	left = mark_left(&t->from, whose, now);
	other = mark_left(&t->what, which, now);
	if (other > left)
		left = other;
	if (good != NULL && now - good->last_ms < FORGET_MS)
		left = 0;
	pthread_mutex_unlock(&t->lock);
	if (left == 0)
		return Q_OK;
	return fault_retry(f, Q_BUSY, (uint32_t)((left + 999) / 1000),
	    "too many wrong tokens; try again later");
}

void
throttle_failed(struct throttle *t, const char *from, const char *what)
{
	uint64_t which = what != NULL ? id_of(t, what, strlen(what)) : 0;
	struct mark *good;
	int64_t now;

	pthread_mutex_lock(&t->lock);
	now = t->now_ms();
	mark_failed(&t->from, id_of_address(t, from), now);
	if (what != NULL) {
		mark_failed(&t->what, which, now);
		good = mark_find(&t->good, which);
		if (good != NULL)
			*good = (struct mark){ 0 };
	}
	pthread_mutex_unlock(&t->lock);
}

void
throttle_passed(struct throttle *t, const char *what)
{
	uint64_t which = id_of(t, what, strlen(what));
	int64_t now;

	pthread_mutex_lock(&t->lock);
	now = t->now_ms();
	mark_make(&t->good, which, now)->last_ms = now;
	pthread_mutex_unlock(&t->lock);
}
