// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "signd/sign_once.h"

#include <openssl/sha.h>
#include <string.h>

#include "base/codec.h"
#include "signd/checked.h"

/* What makes two requests the same. */
static void
request_hash(const struct sign_ask *a, uint8_t ret_request[32])
{
	uint8_t raw[20 + SIGND_ID_LEN + SIGND_NONCE_LEN + SIGN_DATA_MAX];
	size_t n = 20;

	le32_put(raw, a->use.uid);
	le32_put(raw + 4, a->op);
	le32_put(raw + 8, a->shape->mech);
	le32_put(raw + 12, a->shape->hash);
	le32_put(raw + 16, a->shape->salt);
	memcpy(raw + n, a->key->id, SIGND_ID_LEN);
	n += SIGND_ID_LEN;
	memcpy(raw + n, a->nonce.p, SIGND_NONCE_LEN);
	n += SIGND_NONCE_LEN;
	memcpy(raw + n, a->shape->data, a->shape->len);
	SHA256(raw, n + a->shape->len, ret_request);
}

/* The signature of a request that was answered before. */
static enum q_err
again(struct signd *s, const uint8_t request[32], const struct issued_at *at,
    struct buf *out, struct fault *f)
{
	AUTO_BUF struct buf space = BUF_INIT(2 * JOURNAL_RECORD_MAX);
	struct journal_record rec;
	struct journal_sign in;
	enum q_err r = journal_get(s->journal, at->segment, at->offset,
	    &space, &rec);

	if (r == Q_OK)
		r = wire_decode(&journal_sign_type, rec.body, &in, NULL);
	if (r != Q_OK || in.request.len != 32 ||
	    memcmp(in.request.p, request, 32) != 0)
		return fault_set(f, Q_IO, "the journal cannot be read");
	buf_put(out, in.signature.p, in.signature.len);
	/* It may have been answered UNAVAIL because the disk failed. */
	return journal_wait(s->journal, at->seq, f);
}

/* Into the journal, and then the request is let go. What the journal does not
 * take was no use of the key; what it may have taken was one. */
static enum q_err
record(struct signd *s, const struct sign_ask *a, const uint8_t request[32],
    const char *approval, const struct buf *signature, struct fault *f)
{
	struct journal_sign rec = { .purpose = purpose_text(a->key->purpose),
		.mech = a->shape->mech, .hash = a->shape->hash,
		.salt = a->shape->salt, .digest = sign_shape_digest(a->shape),
		.meaning = a->meaning, .user = a->user,
		.request = { request, 32 },
		.total = signd_use_total(a->key), .approval = approval,
		.signature = buf_bytes(signature) };
	struct journal_pos pos;
	struct issued_at at;
	enum q_err r = journal_append(s->journal, &(struct journal_entry){
		JOURNAL_sign, a->use.uid, a->key->id, &rec }, &pos, f);

	if (r != Q_OK) {
		signd_use_back(a->key);
		return r;
	}
	approve_done(s, approval);
	signd_used(a->key, 1);
	at = (struct issued_at){ pos.seq, pos.segment, pos.offset };
	issued_set(s->issued, request, ISSUED_DONE, &at);
	issued_end(s->issued, request);
	return journal_wait(s->journal, pos.seq, f);
}

/* By the approvals that the key's rules want. */
static enum q_err
approval_take(struct signd *s, const struct keyring *ring,
    const struct sign_ask *a, char ret_id[SIGND_ID_LEN + 1],
    struct fault *f)
{
	struct approve_ask ask = { .action = APPROVE_SIGN, .key = a->key,
		.shape = a->shape, .digest = sign_shape_digest(a->shape),
		.meaning = a->meaning, .user = a->user, .uid = a->use.uid };

	/* Another purpose is refused with the rest of the rules. */
	ret_id[0] = '\0';
	if ((a->use.purposes & 1u << a->key->purpose) == 0)
		return Q_OK;
	/* Somebody could have another text of the same digest. */
	if (a->key->rules.approvals != 0 && ask.digest.len < 32)
		return fault_set(f, Q_INVALID, "key %s wants approvals, and "
		    "they a digest of 32 bytes or more", a->key->id);
	return approve_take(s, ring, &ask, ret_id, f);
}

/* By the rest of its rules. */
static enum q_err
use_sign(struct signd *s, const struct sign_ask *a, struct buf *out,
    struct fault *f)
{
	enum q_err r = signd_use(s, a->key, &a->use, f);

	if (r != Q_OK)
		return r;
	r = checked_sign(s, a->key, a->shape, out, f);
	if (r != Q_OK)
		signd_use_back(a->key);
	return r;
}

static enum q_err
allowed_sign(struct signd *s, const struct keyring *ring,
    const struct sign_ask *a, const uint8_t request[32], struct buf *out,
    struct fault *f)
{
	char approval[SIGND_ID_LEN + 1];
	enum q_err r = approval_take(s, ring, a, approval, f);

	if (r != Q_OK)
		return r;
	r = use_sign(s, a, out, f);
	if (r == Q_OK)
		r = record(s, a, request, approval, out, f);
	/* Nothing to give back once it is in the journal. */
	if (r != Q_OK)
		approve_back(s, approval);
	return r;
}

enum q_err
sign_once(struct signd *s, const struct keyring *ring,
    const struct sign_ask *ask, struct buf *out, struct fault *f)
{
	enum issued_state state;
	uint8_t request[32];
	struct issued_at at;
	enum q_err r;

	if (ask->nonce.len != SIGND_NONCE_LEN)
		return fault_set(f, Q_INVALID, "nonce: not %d bytes",
		    SIGND_NONCE_LEN);
	request_hash(ask, request);
	r = issued_begin(s->issued, request, &state, &at);
	if (r != Q_OK)
		return fault_retry(f, r, 1, "too many requests at once");
	if (state == ISSUED_DONE)
		return again(s, request, &at, out, f);
	r = allowed_sign(s, ring, ask, request, out, f);
	if (r != Q_OK)
		issued_end(s->issued, request);
	return r;
}
