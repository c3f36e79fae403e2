// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "base/own.h"
#include "signd/signd.h"

/* The pepper of an appliance; those of people's own making, which there once
 * were, have another kind. */
static const struct key *
pepper_of(const struct keyring *ring)
{
	for (size_t i = 0; i < ring->n_own; i++)
		if (ring->own[i]->purpose == PURPOSE_PEPPER &&
		    ring->own[i]->kind == TOKEN_HMAC256)
			return ring->own[i];
	return NULL;
}

static enum q_err
pepper_make(struct signd *s, const struct keyring *ring, uint32_t uid,
    struct fault *f)
{
	struct keyring *next = keyring_new(ring);
	struct key *k = NULL;
	enum q_err r = Q_NOMEM;

	if (next != NULL) {
		k = key_new(PURPOSE_PEPPER, TOKEN_HMAC256, "");
		r = pki_key(s, k, uid, f);
	}
	if (r == Q_OK)
		r = keyring_put(next, k);
	if (r == Q_OK)
		return signd_install(s, next, uid, f);
	keyring_unref(next);
	return r;
}

/* The keyring with a pepper in it, made now if need be. */
static enum q_err
pepper_ring(struct signd *s, uint32_t uid, struct keyring **ret_ring,
    struct fault *f)
{
	enum q_err r = signd_ring(s, true, ret_ring, f);

	if (r != Q_OK || pepper_of(*ret_ring) != NULL)
		return r;
	pthread_mutex_lock(&s->change);
	keyring_unref(*ret_ring);
	*ret_ring = NULL;
	r = signd_ring(s, true, ret_ring, f);
	if (r == Q_OK && pepper_of(*ret_ring) == NULL) {
		r = pepper_make(s, *ret_ring, uid, f);
		keyring_unref(*ret_ring);
		*ret_ring = NULL;
		if (r == Q_OK)
			r = signd_ring(s, true, ret_ring, f);
	}
	pthread_mutex_unlock(&s->change);
	return r;
}

enum q_err
signd_do_pepper(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct signd_pepper_req *in = req;
	const struct key_use_ask ask = { .what = "pepper",
		.purposes = 1u << PURPOSE_PEPPER, .role = wire_req_role(q),
		.uid = wire_req_uid(q) };
	struct signd_pepper_rsp *out = rsp;
	AUTO_RING struct keyring *ring = NULL;
	struct signd *s = ctx;
	const struct key *k;
	enum q_err r;

	if (in->data.len == 0)
		return fault_set(f, Q_INVALID, "data: is empty");
	r = pepper_ring(s, ask.uid, &ring, f);
	if (r != Q_OK)
		return r;
	k = pepper_of(ring);
	r = signd_use(s, k, &ask, f);
	if (r == Q_OK)
		r = worker_sign(signd_worker(s, k), k->id, TOKEN_HMAC,
		    in->data, wire_req_space(q), f);
	if (r == Q_OK)
		signd_used(k, 1);
	out->mac = buf_bytes(wire_req_space(q));
	return r == Q_OK && out->mac.len != 32 ? fault_set(f, Q_INTERNAL,
	    "token: a MAC of %zu bytes", out->mac.len) : r;
}
