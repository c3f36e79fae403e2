// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "signd/signd.h"

static void
answer_root(struct wire_req *q, const struct keyring *ring,
    struct signd_pki_make_rsp *out)
{
	const struct key *root = keyring_active(ring, PURPOSE_ROOT, "");
	struct buf *space = wire_req_space(q);

	buf_put(space, root->id, sizeof(root->id));
	buf_put(space, root->der, root->der_len);
	out->root_id = (const char *)space->p;
	out->root = (struct bytes){ space->p + sizeof(root->id),
		root->der_len };
}

/* With `change` held: make it all, and install it. */
static enum q_err
pki_make(struct signd *s, const struct keyring *ring,
    const struct signd_pki_make_req *in, uint32_t uid, struct fault *f)
{
	struct keyring *next = keyring_new(ring);
	enum q_err r;

	if (next == NULL)
		return Q_NOMEM;
	snprintf(next->host, sizeof(next->host), "%s", in->host);
	snprintf(next->ips, sizeof(next->ips), "%s", in->ips);
	next->tls_rsa = in->tls_rsa;
	r = pki_whole(s, next, uid, f);
	if (r != Q_OK) {
		keyring_unref(next);
		return r;
	}
	return signd_install(s, next, uid, f);
}

enum q_err
signd_do_pki_make(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct signd_pki_make_req *in = req;
	AUTO_RING struct keyring *ring = NULL;
	struct signd *s = ctx;
	enum q_err r = pki_names_check(in->host, in->ips, f);

	if (r != Q_OK)
		return r;
	pthread_mutex_lock(&s->change);
	r = signd_ring(s, false, &ring, f);
	if (r == Q_OK && keyring_active(ring, PURPOSE_ROOT, "") == NULL) {
		r = pki_make(s, ring, in, wire_req_uid(q), f);
		keyring_unref(ring);
		ring = NULL;
		if (r == Q_OK)
			r = signd_ring(s, true, &ring, f);
	}
	if (r == Q_OK && (strcmp(ring->host, in->host) != 0 ||
	    strcmp(ring->ips, in->ips) != 0 || ring->tls_rsa != in->tls_rsa))
		r = fault_set(f, Q_EXISTS,
		    "there is a PKI already, named %.100s: use "
		    "quoinctl config name", ring->host);
	pthread_mutex_unlock(&s->change);
	if (r == Q_OK)
		answer_root(q, ring, rsp);
	return r;
}

static enum q_err
root_renew(struct signd *s, const struct keyring *ring, uint32_t uid,
    struct fault *f)
{
	struct keyring *next = keyring_new(ring);
	enum q_err r = next == NULL ? Q_NOMEM :
	    pki_root_renew(s, next, uid, f);

	if (r == Q_OK)
		return signd_install(s, next, uid, f);
	keyring_unref(next);
	return r;
}

enum q_err
signd_do_root_renew(void *ctx, struct wire_req *q, const void *req,
    void *rsp, struct fault *f)
{
	const struct signd_root_renew_req *in = req;
	AUTO_RING struct keyring *ring = NULL;
	struct signd *s = ctx;
	const struct key *given;
	enum q_err r;

	pthread_mutex_lock(&s->change);
	r = signd_ring(s, true, &ring, f);
	given = r == Q_OK ? keyring_find(ring, in->root_id) : NULL;
	if (r == Q_OK && (given == NULL || given->purpose != PURPOSE_ROOT))
		r = fault_set(f, Q_NOTFOUND, "no OEM Root %.16s", in->root_id);
	/* An old one has been replaced: this was asked before. */
	if (r == Q_OK && !given->old) {
		r = root_renew(s, ring, wire_req_uid(q), f);
		keyring_unref(ring);
		ring = NULL;
		if (r == Q_OK)
			r = signd_ring(s, true, &ring, f);
	}
	pthread_mutex_unlock(&s->change);
	if (r == Q_OK)
		answer_root(q, ring, rsp);
	return r;
}

static enum q_err
rename_all(struct signd *s, const struct keyring *ring,
    const struct signd_name_set_req *in, uint32_t uid, struct fault *f)
{
	struct keyring *next = keyring_new(ring);
	enum q_err r = next != NULL ? Q_OK : Q_NOMEM;

	if (r != Q_OK)
		return r;
	snprintf(next->host, sizeof(next->host), "%s", in->host);
	snprintf(next->ips, sizeof(next->ips), "%s", in->ips);
	/* Copies, for the URLs in the templates of the issuing CAs. */
	for (size_t i = 0; r == Q_OK && i < next->n; i++) {
		struct key *k = next->keys[i]->purpose != PURPOSE_ISSUING ?
		    NULL : key_copy(next->keys[i],
		    (uint16_t)s->conf->crl_port, next);

		if (k != NULL)
			r = keyring_put(next, k);
		else if (next->keys[i]->purpose == PURPOSE_ISSUING)
			r = Q_NOMEM;
	}
	if (r == Q_OK)
		r = pki_own(s, next, PURPOSE_TLS_DEVICE, uid, f);
	if (r == Q_OK)
		r = pki_own(s, next, PURPOSE_TLS_ADMIN, uid, f);
	if (r != Q_OK) {
		keyring_unref(next);
		return r;
	}
	return signd_install(s, next, uid, f);
}

enum q_err
signd_do_name_set(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct signd_name_set_req *in = req;
	struct signd_name_set_rsp *out = rsp;
	AUTO_RING struct keyring *ring = NULL;
	struct signd *s = ctx;
	enum q_err r = pki_names_check(in->host, in->ips, f);

	if (r != Q_OK)
		return r;
	pthread_mutex_lock(&s->change);
	r = signd_ring(s, true, &ring, f);
	if (r == Q_OK)
		out->generation = ring->generation;
	if (r == Q_OK && (strcmp(ring->host, in->host) != 0 ||
	    strcmp(ring->ips, in->ips) != 0)) {
		r = rename_all(s, ring, in, wire_req_uid(q), f);
		out->generation++;
	}
	pthread_mutex_unlock(&s->change);
	return r;
}
