// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "enrold/ocsp_front.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define PLACES 4096 /* about a kilobyte each, when they are taken */
#define LOCKS 64

struct place {
	struct ocsp_key key;
	struct ocsp_ready ready;
	uint8_t *der;		/* NULL: empty */
};

struct ocsp_front {
	pthread_mutex_t locks[LOCKS];
	uint64_t salt;		/* so that nobody can aim at a place */
	struct place places[PLACES];
};

enum q_err
ocsp_front_new(struct ocsp_front **ret_front)
{
	struct ocsp_front *c = calloc(1, sizeof(*c));

	if (c == NULL || RAND_bytes((uint8_t *)&c->salt,
	    sizeof(c->salt)) != 1) {
		free(c);
		return Q_NOMEM;
	}
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_init(&c->locks[i], NULL);
	*ret_front = c;
	return Q_OK;
}

void
ocsp_front_free(struct ocsp_front *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < PLACES; i++)
		free(c->places[i].der);
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&c->locks[i]);
	free(c);
}

static size_t
place_of(const struct ocsp_front *c, const struct ocsp_key *key)
{
	const uint8_t *p = (const uint8_t *)key;
	uint64_t h = c->salt;

	for (size_t i = 0; i < sizeof(*key); i++)
		h = (h ^ p[i]) * UINT64_C(1099511628211);
	return (size_t)((h ^ h >> 32) % PLACES);
}

bool
ocsp_front_get(struct ocsp_front *c, const struct ocsp_key *key,
    struct ocsp_ready *ret_ready, struct buf *body)
{
	size_t at = place_of(c, key);
	struct place *p = &c->places[at];
	bool hit;

	pthread_mutex_lock(&c->locks[at % LOCKS]);
	hit = p->der != NULL && memcmp(&p->key, key, sizeof(*key)) == 0 &&
	    clock_wall() < p->ready.until;
	if (hit) {
		*ret_ready = p->ready;
		buf_put(body, p->der, p->ready.der.len);
	}
	pthread_mutex_unlock(&c->locks[at % LOCKS]);
	return hit;
}

void
ocsp_front_put(struct ocsp_front *c, const struct ocsp_key *key,
    const struct ocsp_ready *ready)
{
	size_t at = place_of(c, key);
	struct place *p = &c->places[at];
	uint8_t *der = malloc(ready->der.len), *old;

	if (der == NULL)
		return;
	memcpy(der, ready->der.p, ready->der.len);
	pthread_mutex_lock(&c->locks[at % LOCKS]);
	old = p->der;
	p->key = *key;
	p->ready = *ready;
	p->der = der;
	pthread_mutex_unlock(&c->locks[at % LOCKS]);
	free(old);
}
