// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "enrold/cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"

#define CACHE_SLOTS 1024 /* two names in one slot displace each other */

struct slot {
	int64_t read_ms;	/* 0: empty */
	union {
		struct rec_head head;
		struct rec_batch batch;
		struct rec_policy policy;
	} rec;
};

struct cache {
	struct wire_client *recordd;
	pthread_mutex_t lock;
	uint64_t forgotten;	/* counts calls of forget */
	struct slot batch[CACHE_SLOTS], policy[CACHE_SLOTS];
};

enum q_err
cache_new(struct wire_client *recordd, struct cache **ret_cache)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return Q_NOMEM;
	c->recordd = recordd;
	pthread_mutex_init(&c->lock, NULL);
	*ret_cache = c;
	return Q_OK;
}

void
cache_free(struct cache *c)
{
	if (c == NULL)
		return;
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static size_t
slot_of(const char *key)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *key != '\0'; key++)
		h = (h ^ (uint8_t)*key) * 16777619u;
	return h % CACHE_SLOTS;
}

static bool
slot_get(struct cache *c, const struct slot *s, const char *key, size_t size,
    void *ret_rec, uint64_t *ret_forgotten)
{
	bool hit;

	pthread_mutex_lock(&c->lock);
	hit = s->read_ms != 0 && clock_mono_ms() - s->read_ms < CACHE_MS &&
	    strcmp(s->rec.head.key, key) == 0;
	if (hit)
		memcpy(ret_rec, &s->rec, size);
	*ret_forgotten = c->forgotten;
	pthread_mutex_unlock(&c->lock);
	return hit;
}

/* Keep what was read, unless something was forgotten while it was read. */
static void
slot_put(struct cache *c, struct slot *s, const void *rec, size_t size,
    int64_t read_ms, uint64_t forgotten)
{
	pthread_mutex_lock(&c->lock);
	if (c->forgotten == forgotten) {
		memcpy(&s->rec, rec, size);
		s->read_ms = read_ms;
	}
	pthread_mutex_unlock(&c->lock);
}

static enum q_err
lookup(struct cache *c, enum rec_type type, const char *key, bool fresh,
    void *ret_rec, struct fault *f)
{
	size_t size = rec_desc(type)->size;
	struct slot *s = &(type == REC_BATCH ? c->batch : c->policy)
	    [slot_of(key)];
	int64_t now = clock_mono_ms();
	uint64_t forgotten;
	enum q_err r;

	if (slot_get(c, s, key, size, ret_rec, &forgotten) && !fresh)
		return Q_OK;
	r = rec_get(c->recordd, type, key, ret_rec, f);
	if (r == Q_OK)
		slot_put(c, s, ret_rec, size, now, forgotten);
	return r;
}

enum q_err
cache_batch(struct cache *c, const char *name, bool fresh,
    struct rec_batch *ret_batch, struct fault *f)
{
	return lookup(c, REC_BATCH, name, fresh, ret_batch, f);
}

enum q_err
cache_policy(struct cache *c, const char *name, bool fresh,
    struct rec_policy *ret_policy, struct fault *f)
{
	return lookup(c, REC_POLICY, name, fresh, ret_policy, f);
}

void
cache_forget(struct cache *c, const char *key)
{
	size_t i = slot_of(key);

	pthread_mutex_lock(&c->lock);
	c->forgotten++;
	c->batch[i].read_ms = c->policy[i].read_ms = 0;
	pthread_mutex_unlock(&c->lock);
}

void
cache_forget_all(struct cache *c)
{
	pthread_mutex_lock(&c->lock);
	c->forgotten++;
	for (size_t i = 0; i < CACHE_SLOTS; i++)
		c->batch[i].read_ms = c->policy[i].read_ms = 0;
	pthread_mutex_unlock(&c->lock);
}
