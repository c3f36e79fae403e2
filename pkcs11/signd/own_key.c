// SPDX-License-Identifier: Apache-2.0
/* Keys of the appliance's own that are made when they are first wanted, and
 * have no certificate of ours. */
#include "config.h"

#include "base/own.h"
#include "signd/signd.h"
#include "x509/pubkey.h"

static struct key *
find(const struct keyring *ring, enum key_purpose purpose,
    enum token_kind kind)
{
	for (size_t i = 0; i < ring->n_own; i++)
		if (ring->own[i]->purpose == purpose &&
		    ring->own[i]->kind == kind)
			return ring->own[i];
	return NULL;
}

/* With `change` held. */
static enum q_err
make(struct signd *s, const struct keyring *ring, enum key_purpose purpose,
    enum token_kind kind, uint32_t uid, struct fault *f)
{
	AUTO_BUF struct buf spki = BUF_INIT(PUBKEY_SPKI_MAX);
	struct keyring *next = keyring_new(ring);
	struct key *k = next != NULL ? key_new(purpose, kind, "") : NULL;
	enum q_err r = next != NULL ? pki_key(s, k, uid, f) : Q_NOMEM;

	if (r == Q_OK && kind == TOKEN_P256) {
		r = worker_public(signd_worker(s, k), k->id, &spki, f);
		if (r == Q_OK)
			r = key_publish(k, buf_bytes(&spki), f);
		if (r != Q_OK)
			key_unref(k);
	}
	if (r == Q_OK)
		r = keyring_put(next, k);
	if (r == Q_OK)
		return signd_install(s, next, uid, f);
	keyring_unref(next);
	return r;
}

enum q_err
signd_own_key(struct signd *s, enum key_purpose purpose,
    enum token_kind kind, uint32_t uid, struct keyring **ret_ring,
    struct fault *f)
{
	enum q_err r = signd_ring(s, true, ret_ring, f);

	if (r != Q_OK || find(*ret_ring, purpose, kind) != NULL)
		return r;
	pthread_mutex_lock(&s->change);
	keyring_unref(*ret_ring);
	*ret_ring = NULL;
	r = signd_ring(s, true, ret_ring, f);
	if (r == Q_OK && find(*ret_ring, purpose, kind) == NULL) {
		r = make(s, *ret_ring, purpose, kind, uid, f);
		keyring_unref(*ret_ring);
		*ret_ring = NULL;
		if (r == Q_OK)
			r = signd_ring(s, true, ret_ring, f);
	}
	pthread_mutex_unlock(&s->change);
	return r;
}

const struct key *
keyring_own_key(const struct keyring *ring, enum key_purpose purpose,
    enum token_kind kind)
{
	return find(ring, purpose, kind);
}
