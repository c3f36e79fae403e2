// SPDX-License-Identifier: Apache-2.0
/* Who can agree to the use of keys, and what is to be agreed to. */
#include "config.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/own.h"
#include "signd/signd.h"

#define PAGE_BYTES 90000 /* of the 98304 that a page may have */
#define APPROVERS_MAX 1000

/* --- approvers ---------------------------------------------------------- */

static bool
is_printable(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s <= ' ' || *s > '~')
			return false;
	return true;
}

static enum q_err
kind_check(const struct signd_approver_set_req *in, struct fault *f)
{
	bool more = in->credential.len != 0 || in->rp_id[0] != '\0' ||
	    in->origin[0] != '\0';

	if (strcmp(in->kind, "p256") == 0)
		return !more ? Q_OK : fault_set(f, Q_INVALID, "credential, "
		    "rp_id and origin: of webauthn only");
	if (strcmp(in->kind, "webauthn") != 0)
		return fault_set(f, Q_INVALID, "kind: neither p256 nor "
		    "webauthn");
	if (in->credential.len == 0 || in->rp_id[0] == '\0' ||
	    !is_printable(in->rp_id) || !is_printable(in->origin))
		return fault_set(f, Q_INVALID,
		    "webauthn wants credential, rp_id and origin");
	if (strncmp(in->origin, "https://", 8) != 0 &&
	    strncmp(in->origin, "http://localhost", 16) != 0)
		return fault_set(f, Q_INVALID,
		    "origin: begins with https://");
	return Q_OK;
}

/* A P-256 key, whose point is on the curve. */
static enum q_err
spki_check(struct bytes spki, struct fault *f)
{
	struct evp_pkey_st *pkey;
	struct pubkey key;
	enum q_err r = pubkey_parse(spki, &key, f);

	if (r == Q_OK && key.kind != KEY_P256)
		r = fault_set(f, Q_INVALID, "an approver's key is P-256");
	if (r == Q_OK)
		r = pubkey_load(&key, &pkey, f);
	if (r == Q_OK)
		EVP_PKEY_free(pkey);
	return r;
}

/* Nobody counts twice under two names. */
static enum q_err
twin_check(const struct keyring *ring, const struct approver *a,
    struct fault *f)
{
	for (size_t i = 0; i < ring->n_approvers; i++) {
		const struct approver *b = &ring->approvers[i];

		if (strcmp(a->name, b->name) != 0 &&
		    a->spki_len == b->spki_len &&
		    memcmp(a->spki, b->spki, a->spki_len) == 0)
			return fault_set(f, Q_EXISTS,
			    "approver %s has this key", b->name);
	}
	return Q_OK;
}

static enum q_err
approver_check(const struct signd_approver_set_req *in, struct fault *f)
{
	enum q_err r;

	if (in->name[0] == '\0' || in->name[strspn(in->name,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789._-")] != '\0')
		return fault_set(f, Q_INVALID,
		    "name: 1 to %d of A-Z a-z 0-9 . _ -", SIGND_NAME_MAX);
	r = kind_check(in, f);
	return r == Q_OK ? spki_check(in->spki, f) : r;
}

/* Who asks for a change of an approver, and how. */
struct change {
	bool remove;
	struct approver who;
	const char *user;
	uint32_t uid;
};

/* By those who agree to the uses of keys that name him. */
static enum q_err
set_approve(struct signd *s, const struct keyring *ring,
    const struct change *c, struct fault *f)
{
	AUTO_BUF struct buf code = BUF_INIT(4096), words = BUF_INIT(1024);
	uint8_t digest[SHA256_DIGEST_LENGTH];
	char hex[2 * SHA256_DIGEST_LENGTH + 1];

	SHA256(c->who.spki, c->who.spki_len, digest);
	hex_encode(digest, sizeof(digest), hex);
	buf_printf(&words, "public key with SHA-256 %s%s%s", hex,
	    c->who.webauthn ? ", webauthn of " : "", c->who.origin);
	approver_encode(&c->who, &code);
	if (code.bad || words.bad)
		return Q_NOMEM;
	SHA256(code.p, code.len, digest);
	return approve_need(s, ring, &(struct approve_ask){
		.action = APPROVE_SET_APPROVER, .approver = c->who.name,
		.digest = { digest, sizeof(digest) },
		.meaning = (const char *)words.p, .user = c->user,
		.uid = c->uid }, f);
}

/* Into the journal and the keyring. */
static enum q_err
change_do(struct signd *s, const struct keyring *ring,
    const struct change *c, struct fault *f)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct journal_approver rec = { .remove = c->remove,
		.name = c->who.name, .user = c->user,
		.kind = c->who.webauthn ? "webauthn" : "p256",
		.spki = { digest, sizeof(digest) } };
	struct keyring *next = keyring_new(ring);
	enum q_err r;

	if (next == NULL)
		return Q_NOMEM;
	SHA256(c->who.spki, c->who.spki_len, digest);
	if (c->remove)
		keyring_approver_remove(next, c->who.name);
	else if (!keyring_approver_put(next, &c->who)) {
		keyring_unref(next);
		return Q_NOMEM;
	}
	r = journal_put(s->journal, &(struct journal_entry){
		JOURNAL_approver, c->uid, "", &rec }, f);
	if (r == Q_OK)
		return signd_install(s, next, c->uid, f);
	keyring_unref(next);
	return r;
}

static bool
is_same(const struct approver *a, const struct approver *b)
{
	AUTO_BUF struct buf x = BUF_INIT(4096), y = BUF_INIT(4096);

	approver_encode(a, &x);
	approver_encode(b, &y);
	return !x.bad && !y.bad && x.len == y.len &&
	    memcmp(x.p, y.p, x.len) == 0;
}

/* With `change` held. */
static enum q_err
set(struct signd *s, struct change *c, struct fault *f)
{
	AUTO_RING struct keyring *ring = NULL;
	const struct approver *have;
	enum q_err r = signd_ring(s, true, &ring, f);

	if (r != Q_OK)
		return r;
	have = keyring_approver(ring, c->who.name);
	if (have != NULL && is_same(have, &c->who))
		return Q_OK;
	if (have == NULL && ring->n_approvers == APPROVERS_MAX)
		return fault_set(f, Q_TOOBIG, "there are %d approvers",
		    APPROVERS_MAX);
	r = twin_check(ring, &c->who, f);
	if (r == Q_OK)
		r = set_approve(s, ring, c, f);
	return r == Q_OK ? change_do(s, ring, c, f) : r;
}

enum q_err
signd_do_approver_set(void *ctx, struct wire_req *q, const void *req,
    void *rsp, struct fault *f)
{
	const struct signd_approver_set_req *in = req;
	struct change c = { .user = in->user, .uid = wire_req_uid(q) };
	struct signd *s = ctx;
	enum q_err r = approver_check(in, f);

	(void)rsp;
	if (r != Q_OK)
		return r;
	approver_take(&(struct signd_approver){ .name = in->name,
		.kind = in->kind, .spki = in->spki,
		.credential = in->credential, .rp_id = in->rp_id,
		.origin = in->origin, .created = (uint64_t)clock_wall() },
	    &c.who);
	pthread_mutex_lock(&s->change);
	r = set(s, &c, f);
	pthread_mutex_unlock(&s->change);
	return r;
}

/* With `change` held. He who is named by a key stays. */
static enum q_err
delete(struct signd *s, const char *name, struct change *c, struct fault *f)
{
	AUTO_RING struct keyring *ring = NULL;
	const struct approver *have;
	const struct key *k;
	enum q_err r = signd_ring(s, true, &ring, f);

	if (r != Q_OK)
		return r;
	have = keyring_approver(ring, name);
	if (have == NULL)
		return fault_set(f, Q_NOTFOUND, "no approver %.64s", name);
	k = approver_needed(ring, name);
	if (k != NULL)
		return fault_set(f, Q_CONFLICT, "key %s names approver %.64s: "
		    "quoinctl hsm key edit", k->name, name);
	c->who = *have;
	return change_do(s, ring, c, f);
}

enum q_err
signd_do_approver_delete(void *ctx, struct wire_req *q, const void *req,
    void *rsp, struct fault *f)
{
	const struct signd_approver_delete_req *in = req;
	struct change c = { .remove = true, .user = in->user,
		.uid = wire_req_uid(q) };
	struct signd *s = ctx;
	enum q_err r;

	(void)rsp;
	pthread_mutex_lock(&s->change);
	r = delete(s, in->name, &c, f);
	pthread_mutex_unlock(&s->change);
	return r;
}

enum q_err
signd_do_approvers(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct signd_approvers_req *in = req;
	struct signd_approvers_rsp *out = rsp;
	AUTO_RING struct keyring *ring = NULL;
	struct buf *space = wire_req_space(q);
	enum q_err r = signd_ring(ctx, false, &ring, f);

	if (r != Q_OK)
		return r;
	for (size_t i = 0; i < ring->n_approvers && !out->more; i++) {
		struct signd_approver item;

		if (strcmp(ring->approvers[i].name, in->after) <= 0)
			continue;
		item = approver_item(&ring->approvers[i]);
		out->more = space->len > PAGE_BYTES;
		if (!out->more)
			wire_list_put(space, &signd_approver_type, &item);
	}
	out->items = buf_bytes(space);
	return Q_OK;
}

/* --- approvals ---------------------------------------------------------- */

enum q_err
signd_do_approval_list(void *ctx, struct wire_req *q, const void *req,
    void *rsp, struct fault *f)
{
	const struct signd_approval_list_req *in = req;
	struct signd_approval_list_rsp *out = rsp;
	AUTO_RING struct keyring *ring = NULL;
	enum q_err r = signd_ring(ctx, false, &ring, f);

	if (r != Q_OK)
		return r;
	out->more = approve_list(ctx, ring, in->after, PAGE_BYTES,
	    wire_req_space(q));
	out->items = buf_bytes(wire_req_space(q));
	return Q_OK;
}

enum q_err
signd_do_approval_want(void *ctx, struct wire_req *q, const void *req,
    void *rsp, struct fault *f)
{
	const struct signd_approval_want_req *in = req;
	AUTO_RING struct keyring *ring = NULL;
	struct sign_shape shape;
	struct approve_ask ask = { .action = APPROVE_SIGN, .shape = &shape,
		.digest = in->digest, .meaning = in->meaning,
		.user = in->user, .uid = wire_req_uid(q) };
	enum q_err r = signd_ring(ctx, false, &ring, f);

	if (r == Q_OK && strcmp(in->action, "sign") != 0)
		r = fault_set(f, Q_INVALID, "action: sign is what can be "
		    "asked for before");
	if (r == Q_OK && (ask.key = keyring_find(ring, in->key)) == NULL)
		r = fault_set(f, Q_NOTFOUND, "no key %.16s", in->key);
	if (r == Q_OK && (key_mechs(ask.key) & in->mech) != in->mech)
		r = fault_set(f, Q_DENIED, "key %s is not for this mechanism",
		    ask.key->id);
	if (r == Q_OK && in->hash != in->digest.len * 8)
		r = fault_set(f, Q_INVALID, "digest: not of %u bits",
		    (unsigned)in->hash);
	if (r == Q_OK)
		r = sign_shape_make(in->mech, in->digest, &shape, f);
	/* What code_sign gets for ECDSA does not tell its hash. */
	if (r == Q_OK && ask.key->purpose == PURPOSE_CODESIGN &&
	    in->mech == SIGND_ECDSA)
		shape.hash = 0;
	return r == Q_OK ? approve_want(ctx, ring, &ask, wire_req_space(q),
	    rsp, f) : r;
}

enum q_err
signd_do_approval_put(void *ctx, struct wire_req *q, const void *req,
    void *rsp, struct fault *f)
{
	AUTO_RING struct keyring *ring = NULL;
	enum q_err r = signd_ring(ctx, false, &ring, f);

	return r == Q_OK ? approve_put(ctx, ring, req, wire_req_uid(q), rsp,
	    f) : r;
}

enum q_err
signd_do_approval_withdraw(void *ctx, struct wire_req *q, const void *req,
    void *rsp, struct fault *f)
{
	AUTO_RING struct keyring *ring = NULL;
	enum q_err r = signd_ring(ctx, false, &ring, f);

	(void)rsp;
	return r == Q_OK ? approve_withdraw(ctx, req, wire_req_uid(q), f) : r;
}
