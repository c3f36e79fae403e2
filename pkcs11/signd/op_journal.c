// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <string.h>

#include "base/own.h"
#include "signd/signd.h"

/* The bytes' place in the answer's space. */
static size_t
put(struct buf *space, const void *p, size_t len)
{
	size_t at = space->len;

	buf_put(space, p, len);
	return at;
}

enum q_err
signd_do_journal_export(void *ctx, struct wire_req *q, const void *req,
    void *rsp, struct fault *f)
{
	struct signd_journal_export_rsp *out = rsp;
	struct buf *space = wire_req_space(q);
	size_t hash, key, spki, next, signature;
	struct head h;
	enum q_err r = head_make(ctx, (struct bytes){ NULL, 0 }, &h, f);

	(void)req;
	if (r != Q_OK)
		return r;
	hash = put(space, h.hash, sizeof(h.hash));
	key = put(space, h.key, sizeof(h.key));
	spki = put(space, h.spki, h.spki_len);
	next = put(space, h.next, h.next_len);
	signature = put(space, h.signature, h.signature_len);
	if (space->bad)
		return Q_NOMEM;
	out->seq = h.seq;
	out->wall = h.wall;
	out->hash = (struct bytes){ space->p + hash, sizeof(h.hash) };
	out->key = (const char *)space->p + key;
	out->spki = (struct bytes){ space->p + spki, h.spki_len };
	out->next = (struct bytes){ space->p + next, h.next_len };
	out->signature = (struct bytes){ space->p + signature,
		h.signature_len };
	return Q_OK;
}

/* One that is replaced already was asked about before. */
static enum q_err
journal_key(const struct keyring *ring, const char *id, struct fault *f)
{
	const struct key *k = keyring_find(ring, id);

	return k != NULL && k->purpose == PURPOSE_JOURNAL ? Q_OK :
	    fault_set(f, Q_NOTFOUND, "key %.16s is no journal key", id);
}

static enum q_err
renew(struct signd *s, const struct keyring *ring, uint32_t uid,
    struct fault *f)
{
	struct keyring *next = keyring_new(ring);
	enum q_err r = next == NULL ? Q_NOMEM : pki_journal(s, next, uid, f);

	if (r == Q_OK)
		return signd_install(s, next, uid, f);
	keyring_unref(next);
	return r;
}

enum q_err
signd_do_journal_renew(void *ctx, struct wire_req *q, const void *req,
    void *rsp, struct fault *f)
{
	const struct signd_journal_renew_req *in = req;
	struct signd_journal_renew_rsp *out = rsp;
	AUTO_RING struct keyring *ring = NULL;
	struct signd *s = ctx;
	const struct key *k;
	enum q_err r;

	pthread_mutex_lock(&s->change);
	r = signd_ring(s, true, &ring, f);
	k = r == Q_OK ? keyring_active(ring, PURPOSE_JOURNAL, "") : NULL;
	if (r == Q_OK && k == NULL)
		r = fault_set(f, Q_NOTFOUND, "there is no journal key yet");
	if (r == Q_OK)
		r = journal_key(ring, in->key, f);
	if (r == Q_OK && strcmp(k->id, in->key) == 0) {
		r = renew(s, ring, wire_req_uid(q), f);
		keyring_unref(ring);
		ring = NULL;
		if (r == Q_OK)
			r = signd_ring(s, true, &ring, f);
	}
	pthread_mutex_unlock(&s->change);
	if (r != Q_OK)
		return r;
	k = keyring_active(ring, PURPOSE_JOURNAL, "");
	put(wire_req_space(q), k->id, sizeof(k->id));
	put(wire_req_space(q), k->spki, k->spki_len);
	if (wire_req_space(q)->bad)
		return Q_NOMEM;
	out->key = (const char *)wire_req_space(q)->p;
	out->spki = (struct bytes){ wire_req_space(q)->p + sizeof(k->id),
		k->spki_len };
	return Q_OK;
}
