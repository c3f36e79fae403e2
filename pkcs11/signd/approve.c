// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "signd/approve.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "signd/approve_priv.h"
#include "signd/signd.h"
#include "signd/webauthn.h"

#define PROOF_MAX 4096

/* --- proofs ------------------------------------------------------------- */

void
approver_encode(const struct approver *a, struct buf *out)
{
	struct signd_approver item = approver_item(a);

	item.created = 0;
	wire_encode(&signd_approver_type, &item, out);
}

static enum q_err
approver_digest(const struct approver *a, uint8_t out[SHA256_DIGEST_LENGTH])
{
	AUTO_BUF struct buf b = BUF_INIT(PROOF_MAX);

	approver_encode(a, &b);
	if (b.bad)
		return Q_NOMEM;
	SHA256(b.p, b.len, out);
	return Q_OK;
}

static enum q_err
proof_verify(const struct approver *a, const char *text,
    const struct signd_approval_put_req *in, struct fault *f)
{
	struct webauthn_expect want = { a->rp_id, a->origin, { 0 } };
	struct bytes msg = { (const uint8_t *)text, strlen(text) };
	struct webauthn assertion = { in->auth_data, in->client_data,
		in->signature };
	struct pubkey key;
	enum q_err r = pubkey_parse((struct bytes){ a->spki, a->spki_len },
	    &key, f);

	if (r != Q_OK)
		return r;
	SHA256(msg.p, msg.len, want.challenge);
	if (a->webauthn)
		return webauthn_verify(&assertion, &key, &want, f);
	if (in->auth_data.len != 0 || in->client_data.len != 0)
		return fault_set(f, Q_INVALID,
		    "approver %s has a key, not webauthn", a->name);
	return pubkey_verify(&key, SIG_ECDSA_SHA256, msg, in->signature, f);
}

/* By the approver as he is now; each version of him is verified once. */
static bool
is_valid(const struct keyring *ring, const struct approval *w,
    struct given *g)
{
	const struct approver *a = keyring_approver(ring, g->name);
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct signd_approval_put_req in;

	if (a == NULL || approver_digest(a, digest) != Q_OK)
		return false;
	if (memcmp(digest, g->verified, sizeof(digest)) == 0)
		return true;
	if (wire_decode(&signd_approval_put_req_type,
	    (struct bytes){ g->proof, g->len }, &in, NULL) != Q_OK ||
	    proof_verify(a, w->text, &in, NULL) != Q_OK)
		return false;
	memcpy(g->verified, digest, sizeof(digest));
	return true;
}

/* --- what is needed ----------------------------------------------------- */

struct need {
	uint32_t want; /* 0: no approvals */
	uint32_t have;
	bool enough;
	const struct key *key; /* that wants the most still */
};

/* w: NULL for what is wanted alone. */
static void
need_add(struct need *n, const struct keyring *ring, const struct key *k,
    struct approval *w)
{
	uint32_t have = 0;

	for (size_t i = 0; w != NULL && i < w->n; i++)
		have += key_rules_approver(&k->rules, w->given[i].name) &&
		    is_valid(ring, w, &w->given[i]);
	n->enough &= have >= k->rules.approvals;
	if (n->want == 0 || k->rules.approvals + n->have > n->want + have) {
		n->want = k->rules.approvals;
		n->have = have;
		n->key = k;
	}
}

/* Of a key itself, its rules count; of an approver, those of every key that
 * names him. */
static bool
concerns(const struct statement *st, const struct key *k)
{
	if (k->rules.approvals == 0)
		return false;
	return st->key[0] != '\0' ? strcmp(st->key, k->id) == 0 :
	    key_rules_approver(&k->rules, st->name);
}

static struct need
need_of(const struct keyring *ring, const struct statement *st,
    struct approval *w)
{
	struct need n = { .enough = true };

	for (size_t i = 0; i < ring->n; i++)
		if (concerns(st, ring->keys[i]))
			need_add(&n, ring, ring->keys[i], w);
	return n;
}

const struct key *
approver_needed(const struct keyring *ring, const char *name)
{
	for (size_t i = 0; i < ring->n; i++)
		if (ring->keys[i]->rules.approvals != 0 &&
		    key_rules_approver(&ring->keys[i]->rules, name))
			return ring->keys[i];
	return NULL;
}

/* --- asking ------------------------------------------------------------- */

/* A request as a text, as if it was new. */
struct request {
	struct buf text;
	struct statement st;
	bool any; /* whatever its meaning */
};

#define AUTO_REQUEST __attribute__((cleanup(request_free_)))
static void
request_free_(struct request *q)
{
	buf_free(&q->text);
}

static enum q_err
request_make(struct approvals *a, const struct approve_ask *ask,
    struct request *q, struct fault *f)
{
	char id[SIGND_ID_LEN + 1];
	uint8_t raw[SIGND_ID_LEN / 2];
	enum q_err r;

	q->any = ask->meaning == NULL;
	if (RAND_bytes(raw, sizeof(raw)) != 1)
		return fault_set(f, Q_INTERNAL, "no random bytes");
	hex_encode(raw, sizeof(raw), id);
	r = statement_make(ask, a->wall() + APPROVAL_LIFE, id, &q->text, f);
	return r == Q_OK ? statement_parse((const char *)q->text.p, &q->st) :
	    r;
}

static bool
is_same(const struct request *q, const struct approval *w)
{
	size_t len = q->any ? q->st.what_len : q->st.body_len;
	size_t theirs = q->any ? w->st.what_len : w->st.body_len;

	return !w->taken && len == theirs &&
	    memcmp(q->text.p, w->text, len) == 0;
}

/* One that waits for the same, with the lock held; that has enough, if there
 * is one; NULL: none. */
static struct approval *
match(struct approvals *a, const struct keyring *ring,
    const struct request *q, bool *ret_enough)
{
	struct approval *found = NULL;

	*ret_enough = false;
	approvals_expire(a);
	for (size_t i = 0; i < a->n && !*ret_enough; i++) {
		struct approval *w = a->row[i];

		if (!is_same(q, w))
			continue;
		found = w;
		*ret_enough = need_of(ring, &w->st, w).enough;
	}
	return found;
}

/* Those that no key wants any more, with the lock held. */
static void
unwanted_drop(struct approvals *a, const struct keyring *ring)
{
	for (size_t i = a->n; i-- > 0;) {
		const struct approval *w = a->row[i];

		if (!w->taken && need_of(ring, &w->st, NULL).want == 0)
			approval_forget(a, w->st.id);
	}
}

static enum q_err
room_check(struct approvals *a, uint32_t uid, struct fault *f)
{
	size_t n = 0, all;

	pthread_mutex_lock(&a->lock);
	all = a->n;
	for (size_t i = 0; i < all; i++)
		n += a->row[i]->uid == uid;
	pthread_mutex_unlock(&a->lock);
	if (all < APPROVALS_MAX && n < APPROVALS_PEER)
		return Q_OK;
	return fault_retry(f, Q_BUSY, 3600, "%zu requests wait for approval%s",
		all < APPROVALS_MAX ? n : all, all < APPROVALS_MAX ?
		" for this user already" : " already");
}

/* Record it, with `change` held. */
static enum q_err
pend(struct signd *s, const struct approve_ask *ask, const struct request *q,
    struct fault *f)
{
	struct journal_approval rec = { .step = APPROVAL_WANTED,
		.id = q->st.id, .statement = (const char *)q->text.p,
		.user = ask->user };
	enum q_err r = room_check(s->approvals, ask->uid, f);

	if (r == Q_OK)
		r = journal_put(s->journal, &(struct journal_entry){
			JOURNAL_approval, ask->uid, q->st.key, &rec }, f);
	if (r != Q_OK)
		return r;
	pthread_mutex_lock(&s->approvals->lock);
	r = approval_insert(s->approvals, rec.statement, ask->uid);
	pthread_mutex_unlock(&s->approvals->lock);
	return r;
}

/* The one that waits for the same, or a new one: its text. */
static enum q_err
pending(struct signd *s, const struct keyring *ring,
    const struct approve_ask *ask, struct request *q, struct fault *f)
{
	struct approvals *a = s->approvals;
	const struct approval *w;
	enum q_err r = Q_OK;
	bool enough;

	pthread_mutex_lock(&a->change);
	pthread_mutex_lock(&a->lock);
	unwanted_drop(a, ring);
	w = match(a, ring, q, &enough);
	if (w != NULL) {
		buf_reset(&q->text);
		buf_puts(&q->text, w->text);
		q->st = w->st;
	}
	pthread_mutex_unlock(&a->lock);
	if (w == NULL)
		r = pend(s, ask, q, f);
	pthread_mutex_unlock(&a->change);
	return r;
}

enum q_err
approve_take(struct signd *s, const struct keyring *ring,
    const struct approve_ask *ask, char ret_id[SIGND_ID_LEN + 1],
    struct fault *f)
{
	AUTO_REQUEST struct request q = { BUF_INIT(APPROVAL_TEXT_MAX) };
	struct approvals *a = s->approvals;
	struct approval *w;
	struct need need;
	bool enough;
	enum q_err r;

	ret_id[0] = '\0';
	if (ask->key != NULL && ask->key->rules.approvals == 0)
		return Q_OK;
	r = request_make(a, ask, &q, f);
	if (r != Q_OK)
		return r;
	need = need_of(ring, &q.st, NULL);
	if (need.want == 0)
		return Q_OK;
	pthread_mutex_lock(&a->lock);
	w = match(a, ring, &q, &enough);
	if (enough) {
		w->taken = true;
		memcpy(ret_id, w->st.id, SIGND_ID_LEN + 1);
	}
	pthread_mutex_unlock(&a->lock);
	if (enough)
		return Q_OK;
	r = pending(s, ring, ask, &q, f);
	return r != Q_OK ? r : fault_set(f, Q_WAIT,
	    "approval %s is wanted, of %u of %.120s", q.st.id,
	    (unsigned)need.want, need.key->rules.approvers);
}

void
approve_back(struct signd *s, const char *id)
{
	struct approval *w;

	pthread_mutex_lock(&s->approvals->lock);
	w = approval_find(s->approvals, id);
	if (w != NULL)
		w->taken = false;
	pthread_mutex_unlock(&s->approvals->lock);
}

void
approve_done(struct signd *s, const char *id)
{
	pthread_mutex_lock(&s->approvals->lock);
	approval_forget(s->approvals, id);
	pthread_mutex_unlock(&s->approvals->lock);
}

enum q_err
approve_need(struct signd *s, const struct keyring *ring,
    const struct approve_ask *ask, struct fault *f)
{
	char id[SIGND_ID_LEN + 1];
	struct journal_approval rec = { .step = APPROVAL_USED, .id = id,
		.user = ask->user };
	enum q_err r = approve_take(s, ring, ask, id, f);

	if (r != Q_OK || id[0] == '\0')
		return r;
	r = journal_put(s->journal, &(struct journal_entry){
		JOURNAL_approval, ask->uid, ask->key != NULL ? ask->key->id :
		"", &rec }, f);
	if (r == Q_OK)
		approve_done(s, id);
	else
		approve_back(s, id);
	return r;
}

enum q_err
approve_want(struct signd *s, const struct keyring *ring,
    const struct approve_ask *ask, struct buf *space,
    struct signd_approval_want_rsp *out, struct fault *f)
{
	AUTO_REQUEST struct request q = { BUF_INIT(APPROVAL_TEXT_MAX) };
	enum q_err r = request_make(s->approvals, ask, &q, f);

	if (r == Q_OK && need_of(ring, &q.st, NULL).want == 0)
		r = fault_set(f, Q_INVALID, "key %s wants no approvals",
		    q.st.key);
	if (r == Q_OK)
		r = pending(s, ring, ask, &q, f);
	if (r != Q_OK)
		return r;
	buf_put(space, q.st.id, sizeof(q.st.id));
	buf_put(space, q.text.p, q.text.len + 1);
	out->id = (const char *)space->p;
	out->statement = out->id + sizeof(q.st.id);
	return space->bad ? Q_NOMEM : Q_OK;
}

/* --- agreeing ----------------------------------------------------------- */

/* One that is open, looked at. */
struct open {
	char text[APPROVAL_TEXT_MAX + 1];
	struct statement st;
	struct need need;
	bool given; /* by this approver */
	bool asked; /* is he */
};

static bool
is_asked(const struct keyring *ring, const struct statement *st,
    const char *name)
{
	for (size_t i = 0; i < ring->n; i++)
		if (concerns(st, ring->keys[i]) &&
		    key_rules_approver(&ring->keys[i]->rules, name))
			return true;
	return false;
}

static bool
look(struct approvals *a, const struct keyring *ring, const char *id,
    const char *name, struct open *o)
{
	struct approval *w;

	pthread_mutex_lock(&a->lock);
	approvals_expire(a);
	w = approval_find(a, id);
	if (w != NULL) {
		snprintf(o->text, sizeof(o->text), "%s", w->text);
		o->st = w->st;
		o->need = need_of(ring, &w->st, w);
		o->asked = is_asked(ring, &w->st, name);
		for (size_t i = 0; i < w->n; i++)
			o->given |= strcmp(w->given[i].name, name) == 0 &&
			    is_valid(ring, w, &w->given[i]);
	}
	pthread_mutex_unlock(&a->lock);
	return w != NULL;
}

/* A proof that is good: on the disk, then in memory. */
static enum q_err
keep(struct signd *s, const struct open *o, const struct approver *by,
    const struct signd_approval_put_req *in, uint32_t uid, struct fault *f)
{
	AUTO_BUF struct buf proof = BUF_INIT(PROOF_MAX);
	struct journal_approval rec = { .step = APPROVAL_GIVEN, .id = in->id,
		.approver = in->approver, .user = in->user };
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct approval *w;
	enum q_err r = approver_digest(by, digest);

	wire_encode(&signd_approval_put_req_type, in, &proof);
	if (r != Q_OK || proof.bad)
		return Q_NOMEM;
	rec.proof = buf_bytes(&proof);
	r = journal_put(s->journal, &(struct journal_entry){
		JOURNAL_approval, uid, o->st.key, &rec }, f);
	if (r != Q_OK)
		return r;
	pthread_mutex_lock(&s->approvals->lock);
	w = approval_find(s->approvals, in->id);
	if (w != NULL)
		r = approval_add(w, in->approver, rec.proof, digest);
	pthread_mutex_unlock(&s->approvals->lock);
	return r;
}

/* With `change` held. */
static enum q_err
put(struct signd *s, const struct keyring *ring,
    const struct signd_approval_put_req *in, uint32_t uid, struct open *o,
    struct fault *f)
{
	const struct approver *by = keyring_approver(ring, in->approver);
	enum q_err r;

	if (!look(s->approvals, ring, in->id, in->approver, o))
		return fault_set(f, Q_NOTFOUND,
		    "no approval %.16s is open", in->id);
	if (by == NULL || !o->asked)
		return fault_set(f, Q_DENIED, "approval %.16s is not asked of "
		    "%.64s", in->id, in->approver);
	r = proof_verify(by, o->text, in, f);
	if (r != Q_OK || o->given || o->need.enough)
		return r;
	r = keep(s, o, by, in, uid, f);
	return r != Q_OK || look(s->approvals, ring, in->id, in->approver,
	    o) ? r : fault_set(f, Q_NOTFOUND, "no approval %.16s is open any "
	    "more", in->id);
}

enum q_err
approve_put(struct signd *s, const struct keyring *ring,
    const struct signd_approval_put_req *in, uint32_t uid,
    struct signd_approval_put_rsp *out, struct fault *f)
{
	struct key_use_ask use = { .what = "approval_put", .uid = uid };
	struct open o = { .given = false };
	struct fault why = { 0 };
	enum q_err r;

	pthread_mutex_lock(&s->approvals->change);
	r = put(s, ring, in, uid, &o, &why);
	pthread_mutex_unlock(&s->approvals->change);
	if (r != Q_OK && o.need.key != NULL)
		signd_refused(s, o.need.key, &use, fault_text(&why, r));
	if (r != Q_OK && f != NULL)
		*f = why;
	out->have = o.need.have;
	out->want = o.need.want;
	return r;
}

enum q_err
approve_withdraw(struct signd *s,
    const struct signd_approval_withdraw_req *in, uint32_t uid,
    struct fault *f)
{
	struct journal_approval rec = { .step = APPROVAL_WITHDRAWN,
		.id = in->id, .user = in->user };
	char key[SIGND_ID_LEN + 1] = "";
	struct approvals *a = s->approvals;
	struct approval *w;
	bool taken;
	enum q_err r;

	pthread_mutex_lock(&a->lock);
	approvals_expire(a);
	w = approval_find(a, in->id);
	taken = w != NULL && w->taken;
	if (w != NULL) {
		memcpy(key, w->st.key, sizeof(key));
		w->taken = true;
	}
	pthread_mutex_unlock(&a->lock);
	if (w == NULL)
		return fault_set(f, Q_NOTFOUND,
		    "no approval %.16s is open", in->id);
	if (taken)
		return fault_retry(f, Q_BUSY, 1,
		    "approval %.16s is being used", in->id);
	r = journal_put(s->journal, &(struct journal_entry){
		JOURNAL_approval, uid, key, &rec }, f);
	if (r == Q_OK)
		approve_done(s, in->id);
	else
		approve_back(s, in->id);
	return r;
}

static void
item_put(const struct keyring *ring, struct approval *w, struct buf *out)
{
	struct need need = need_of(ring, &w->st, w);
	AUTO_BUF struct buf have = BUF_INIT(SIGND_LIST_MAX);
	struct signd_approval item = { .id = w->st.id, .statement = w->text,
		.state = need.enough ? "approved" : "pending",
		.want = need.want, .expires = (uint64_t)w->st.expires,
		.created = (uint64_t)(w->st.expires - APPROVAL_LIFE) };

	for (size_t i = 0; i < w->n; i++)
		if (is_valid(ring, w, &w->given[i]))
			buf_printf(&have, "%s%s", have.len != 0 ? " " : "",
			    w->given[i].name);
	item.have = (const char *)have.p;
	wire_list_put(out, &signd_approval_type, &item);
}

bool
approve_list(struct signd *s, const struct keyring *ring, const char *after,
    size_t enough, struct buf *out)
{
	struct approvals *a = s->approvals;
	bool more = false;

	pthread_mutex_lock(&a->lock);
	approvals_expire(a);
	unwanted_drop(a, ring);
	for (size_t i = 0; i < a->n && !more; i++) {
		if (strcmp(a->row[i]->st.id, after) <= 0)
			continue;
		more = out->len > enough;
		if (!more)
			item_put(ring, a->row[i], out);
	}
	pthread_mutex_unlock(&a->lock);
	return more;
}
