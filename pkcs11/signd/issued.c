// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "signd/issued.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"

#define NONE UINT32_MAX

/* Half of the request's hash: 2^64 requests until two meet by chance, and
 * what is found is compared with the whole hash in the journal. */
struct entry {
	uint8_t key[16];
	struct issued_at at;
	uint32_t next; /* in its bucket */
	uint8_t state;
	bool owned;
	bool used;
};

struct issued {
	pthread_mutex_t lock;
	pthread_cond_t let_go;
	size_t max;
	size_t turn; /* the oldest: the next to be given away */
	uint32_t spare; /* the first of those that came to nothing */
	uint32_t *buckets;
	struct entry *entries;
};

enum q_err
issued_new(size_t max, struct issued **ret_issued)
{
	struct issued *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return Q_NOMEM;
	m->max = max;
	m->spare = NONE;
	m->buckets = malloc(max * sizeof(*m->buckets));
	m->entries = calloc(max, sizeof(*m->entries));
	if (m->buckets == NULL || m->entries == NULL) {
		free(m->buckets);
		free(m->entries);
		free(m);
		return Q_NOMEM;
	}
	memset(m->buckets, 0xff, max * sizeof(*m->buckets));
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->let_go, NULL);
	*ret_issued = m;
	return Q_OK;
}

void
issued_free(struct issued *m)
{
	if (m == NULL)
		return;
	pthread_cond_destroy(&m->let_go);
	pthread_mutex_destroy(&m->lock);
	free(m->buckets);
	free(m->entries);
	free(m);
}

static uint32_t *
bucket_of(struct issued *m, const uint8_t *key)
{
	return &m->buckets[le64_get(key) % m->max];
}

static struct entry *
find(struct issued *m, const uint8_t *key)
{
	for (uint32_t i = *bucket_of(m, key); i != NONE;
	    i = m->entries[i].next)
		if (memcmp(m->entries[i].key, key, 16) == 0)
			return &m->entries[i];
	return NULL;
}

static void
unlink_entry(struct issued *m, struct entry *e)
{
	uint32_t *at = bucket_of(m, e->key);

	while (&m->entries[*at] != e)
		at = &m->entries[*at].next;
	*at = e->next;
}

/* A place for a new one: that of one that came to nothing, or the oldest's.
 * One that is being worked on is never given away. */
static struct entry *
place(struct issued *m)
{
	struct entry *e;

	if (m->spare != NONE) {
		e = &m->entries[m->spare];
		m->spare = e->next;
		return e;
	}
	for (size_t i = 0; i < m->max; i++) {
		e = &m->entries[m->turn];
		m->turn = (m->turn + 1) % m->max;
		if (e->used && e->owned)
			continue;
		if (e->used)
			unlink_entry(m, e);
		return e;
	}
	return NULL;
}

static struct entry *
make(struct issued *m, const uint8_t *key)
{
	struct entry *e = place(m);
	uint32_t *b = bucket_of(m, key);

	if (e == NULL)
		return NULL;
	*e = (struct entry){ .used = true, .next = *b };
	memcpy(e->key, key, 16);
	*b = (uint32_t)(e - m->entries);
	return e;
}

/* Nothing came of it: requests that are refused, however many, drive out
 * none that was answered. */
static void
give_back(struct issued *m, struct entry *e)
{
	unlink_entry(m, e);
	*e = (struct entry){ .next = m->spare };
	m->spare = (uint32_t)(e - m->entries);
}

void
issued_replay(struct issued *m, const struct journal_record *r)
{
	union {
		struct journal_intent intent;
		struct journal_issued issued;
		struct journal_sign sign;
	} body;
	struct issued_at at = { r->seq, r->segment, r->offset };
	struct bytes key;

	if ((r->type != JOURNAL_intent && r->type != JOURNAL_issued &&
	    r->type != JOURNAL_sign) ||
	    wire_decode(journal_type_of(r->type), r->body, &body, NULL) !=
	    Q_OK)
		return;
	key = r->type == JOURNAL_intent ? body.intent.request :
	    r->type == JOURNAL_issued ? body.issued.request :
	    body.sign.request;
	if (key.len != 32)
		return;
	issued_set(m, key.p, r->type == JOURNAL_intent ? ISSUED_INTENT :
	    ISSUED_DONE, &at);
}

enum q_err
issued_begin(struct issued *m, const uint8_t request[32],
    enum issued_state *ret_state, struct issued_at *ret_at)
{
	struct entry *e;

	pthread_mutex_lock(&m->lock);
	for (;;) {
		e = find(m, request);
		if (e == NULL || !e->owned || e->state == ISSUED_DONE)
			break;
		pthread_cond_wait(&m->let_go, &m->lock);
	}
	if (e == NULL)
		e = make(m, request);
	if (e != NULL) {
		*ret_state = (enum issued_state)e->state;
		*ret_at = e->at;
		if (e->state != ISSUED_DONE)
			e->owned = true;
	}
	pthread_mutex_unlock(&m->lock);
	return e != NULL ? Q_OK : Q_BUSY;
}

void
issued_set(struct issued *m, const uint8_t request[32],
    enum issued_state state, const struct issued_at *at)
{
	struct entry *e;

	pthread_mutex_lock(&m->lock);
	e = find(m, request);
	if (e == NULL)
		e = make(m, request);
	if (e != NULL) {
		e->state = (uint8_t)state;
		e->at = *at;
	}
	pthread_mutex_unlock(&m->lock);
}

void
issued_end(struct issued *m, const uint8_t request[32])
{
	struct entry *e;

	pthread_mutex_lock(&m->lock);
	e = find(m, request);
	if (e != NULL && e->owned && e->state == ISSUED_NEW)
		give_back(m, e);
	else if (e != NULL)
		e->owned = false;
	pthread_cond_broadcast(&m->let_go);
	pthread_mutex_unlock(&m->lock);
}
