// SPDX-License-Identifier: Apache-2.0
/* Keys that people make, with rules of theirs. */
#include "config.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/own.h"
#include "base/secret.h"
#include "signd/signd.h"
#include "x509/der.h"
#include "x509/pkcs8.h"

/* A key that was made elsewhere. */
struct brought {
	struct pkcs8 key;
	struct bytes spki;
};

/* What is wanted of a new key. */
struct wanted {
	const struct brought *brought; /* NULL: made in the token */
	const char *name, *user;
	enum key_purpose purpose;
	enum token_kind kind;
	uint32_t token, uid;
	struct key_rules rules;
};

static enum q_err
name_check(const char *name, struct fault *f)
{
	size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789 ._-");

	if (name[0] == '\0' || name[n] != '\0' || name[0] == ' ' ||
	    name[n - 1] == ' ')
		return fault_set(f, Q_INVALID, "name: 1 to %d of A-Z a-z 0-9 "
		    ". _ - and blanks between", SIGND_NAME_MAX);
	if (n == SIGND_ID_LEN && strspn(name, "0123456789abcdef") == n)
		return fault_set(f, Q_INVALID,
		    "name: %d hex digits are a key's id", SIGND_ID_LEN);
	return Q_OK;
}

static enum q_err
wanted_check(const struct signd *s, const struct keyring *ring,
    const struct wanted *w, struct fault *f)
{
	enum q_err r = name_check(w->name, f);

	if (r != Q_OK)
		return r;
	if ((purpose_row(w->purpose)->kinds & 1u << w->kind) == 0)
		return fault_set(f, Q_INVALID, "kind: a key for %s is not %s",
		    purpose_text(w->purpose), kind_text(w->kind));
	if (s->workers[w->token] == NULL)
		return fault_set(f, Q_INVALID,
		    "token: there is no second one: quoin.conf(5), token2");
	return key_rules_check(&w->rules, w->purpose, w->kind, ring, f);
}

static enum q_err
purpose_take(const char *text, enum key_purpose *ret, struct fault *f)
{
	*ret = purpose_by_text(text);
	if (*ret == PURPOSES)
		return fault_set(f, Q_INVALID, "purpose: %.15s is none", text);
	if (purpose_row(*ret)->kinds == 0)
		return fault_set(f, Q_INVALID,
		    "purpose: keys for %s are made by the appliance", text);
	return Q_OK;
}

/* The key that there is, of the same name, if it is what is wanted. */
static enum q_err
same_find(const struct keyring *ring, const struct wanted *w,
    const struct key **ret, struct fault *f)
{
	bool imported = w->brought != NULL;
	const struct key *k = keyring_named(ring, w->name);

	if (k != NULL && (k->purpose != w->purpose || k->kind != w->kind ||
	    k->imported != imported || k->token != w->token))
		return fault_set(f, Q_EXISTS, "there is another key %s: %s, "
		    "for %s%s", k->name, kind_text(k->kind),
		    purpose_text(k->purpose), k->imported ? ", imported" : "");
	if (k != NULL && imported && !bytes_equal(k->pub.spki,
	    w->brought->spki))
		return fault_set(f, Q_EXISTS, "there is another key %s",
		    k->name);
	if (k != NULL && !key_rules_equal(&k->rules, &w->rules))
		return fault_set(f, Q_EXISTS, "there is a key %s with other "
		    "rules: quoinctl hsm key edit", k->name);
	*ret = k;
	return Q_OK;
}

static void
answer(struct wire_req *q, const struct key *k,
    struct signd_key_make_rsp *out)
{
	struct buf *space = wire_req_space(q);

	buf_put(space, k->id, sizeof(k->id));
	buf_put(space, k->spki, k->spki_len);
	out->id = (const char *)space->p;
	out->kind = kind_text(k->kind);
	out->spki = (struct bytes){ space->p + sizeof(k->id), k->spki_len };
}

enum q_err
signd_rules_journal(struct signd *s, const struct key *k, uint32_t uid,
    const char *user, struct fault *f)
{
	AUTO_BUF struct buf code = BUF_INIT(SIGND_RULES_MAX);
	AUTO_BUF struct buf words = BUF_INIT(SIGND_RULES_MAX);
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct journal_rule rec = { .name = k->name, .user = user,
		.purpose = purpose_text(k->purpose),
		.digest = { digest, sizeof(digest) } };

	key_rules_encode(&k->rules, &code);
	key_rules_words(&k->rules, &words);
	if (k->der != NULL) {
		char print[2 * SHA256_DIGEST_LENGTH + 1];

		SHA256(k->der, k->der_len, digest);
		hex_encode(digest, sizeof(digest), print);
		buf_printf(&words, "certificate: %s\n", print);
	}
	if (code.bad || words.bad)
		return Q_NOMEM;
	SHA256(code.p, code.len, digest);
	rec.rules = (const char *)words.p;
	return journal_put(s->journal, &(struct journal_entry){ JOURNAL_rule,
		uid, k->id, &rec }, f);
}

static struct key *
key_wanted(const struct wanted *w)
{
	struct key *k = key_new(w->purpose, w->kind, "");

	if (k == NULL)
		return NULL;
	snprintf(k->name, sizeof(k->name), "%s", w->name);
	k->token = w->token;
	k->rules = w->rules;
	k->imported = w->brought != NULL;
	return k;
}

/* The token's word for its public half. */
static enum q_err
public_take(struct signd *s, struct key *k, struct fault *f)
{
	AUTO_BUF struct buf spki = BUF_INIT(SIGND_SPKI_MAX);
	enum q_err r = k->kind == TOKEN_AES256 ? Q_OK :
	    worker_public(signd_worker(s, k), k->id, &spki, f);

	return r == Q_OK && spki.len != 0 ?
	    key_publish(k, buf_bytes(&spki), f) : r;
}

/* Nobody has it yet, under whatever name: one key, one purpose. */
static enum q_err
unknown_check(const struct keyring *ring, struct bytes spki, struct fault *f)
{
	for (size_t i = 0; i < ring->n; i++) {
		const struct key *k = ring->keys[i];

		if (k->pkey != NULL && k->purpose != PURPOSE_ROOT_LINK &&
		    bytes_equal(k->pub.spki, spki))
			return fault_set(f, Q_EXISTS, "this key is there "
			    "already: %s, for %s", k->name[0] != '\0' ?
			    k->name : k->id, purpose_text(k->purpose));
	}
	return Q_OK;
}

/* In the journal before it is in the token. */
static enum q_err
import_journal(struct signd *s, const struct wanted *w, const struct key *k,
    struct fault *f)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct journal_import rec = { .name = k->name, .user = w->user,
		.purpose = purpose_text(k->purpose),
		.spki = { digest, sizeof(digest) } };
	enum q_err r;

	SHA256(w->brought->spki.p, w->brought->spki.len, digest);
	r = journal_put(s->journal, &(struct journal_entry){ JOURNAL_import,
		w->uid, k->id, &rec }, f);
	return r == Q_OK ? signd_announce(s, k->id) : r;
}

static enum q_err
import(struct signd *s, const struct wanted *w, const struct key *k,
    struct fault *f)
{
	const struct pkcs8 *p = &w->brought->key;
	const struct worker_import in = { .kind = k->kind, .d = p->d,
		.point = { p->point, k->kind == TOKEN_P256 ?
		    sizeof(p->point) : 0 }, .n = p->n, .e = p->e, .p = p->p,
		.q = p->q, .dp = p->dp, .dq = p->dq, .qi = p->qi };
	enum q_err r = import_journal(s, w, k, f);

	return r != Q_OK ? r : worker_import(signd_worker(s, k), k->id,
	    purpose_row(k->purpose)->label, &in, f);
}

/* The key is in the token: the token's word for its public half, what it may
 * be used for, and into the keyring. Consumes it. */
static enum q_err
key_install(struct signd *s, const struct keyring *ring, struct key *k,
    const struct wanted *w, struct fault *f)
{
	struct keyring *next = keyring_new(ring);
	enum q_err r = next == NULL ? Q_NOMEM : public_take(s, k, f);

	if (r == Q_OK && w->brought != NULL &&
	    !bytes_equal(w->brought->spki, k->pub.spki))
		r = fault_set(f, Q_INTERNAL,
		    "the token has made another key of it");
	if (r == Q_OK)
		r = signd_rules_journal(s, k, w->uid, w->user, f);
	if (r == Q_OK)
		r = keyring_put(next, k);
	else
		key_unref(k);
	if (r == Q_OK)
		return signd_install(s, next, w->uid, f);
	keyring_unref(next);
	return r;
}

static enum q_err
key_make(struct signd *s, const struct keyring *ring, const struct wanted *w,
    struct fault *f)
{
	struct key *k = key_wanted(w);
	enum q_err r;

	if (w->brought == NULL) {
		r = pki_key(s, k, w->uid, f);
	} else {
		r = k == NULL ? Q_NOMEM : unknown_check(ring,
		    w->brought->spki, f);
		if (r == Q_OK)
			r = import(s, w, k, f);
		if (r != Q_OK)
			key_unref(k);
	}
	return r == Q_OK ? key_install(s, ring, k, w, f) : r;
}

static enum q_err
make_locked(struct signd *s, const struct wanted *w, struct wire_req *q,
    struct signd_key_make_rsp *out, struct fault *f)
{
	AUTO_RING struct keyring *ring = NULL, *now = NULL;
	const struct key *have = NULL;
	enum q_err r = signd_ring(s, true, &ring, f);

	if (r == Q_OK)
		r = wanted_check(s, ring, w, f);
	if (r == Q_OK)
		r = same_find(ring, w, &have, f);
	if (r == Q_OK && have == NULL) {
		r = key_make(s, ring, w, f);
		if (r == Q_OK)
			r = signd_ring(s, true, &now, f);
		if (r == Q_OK)
			have = keyring_named(now, w->name);
	}
	if (r == Q_OK)
		answer(q, have, out);
	return r;
}

static enum q_err
make(struct signd *s, const struct wanted *w, struct wire_req *q,
    struct signd_key_make_rsp *out, struct fault *f)
{
	enum q_err r;

	pthread_mutex_lock(&s->change);
	r = make_locked(s, w, q, out, f);
	pthread_mutex_unlock(&s->change);
	return r;
}

enum q_err
signd_do_key_make(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct signd_key_make_req *in = req;
	struct wanted w = { .name = in->name, .user = in->user,
		.kind = kind_by_text(in->kind), .token = in->token,
		.uid = wire_req_uid(q) };
	enum q_err r = purpose_take(in->purpose, &w.purpose, f);

	if (r == Q_OK && w.kind == 0)
		r = fault_set(f, Q_INVALID, "kind: neither P-256 nor RSA-3072 "
		    "nor AES-256");
	if (r == Q_OK)
		r = key_rules_decode(in->rules, &w.rules, f);
	return r == Q_OK ? make(ctx, &w, q, rsp, f) : r;
}

/* From the request, which is wiped, into memory for secrets: the text, and
 * behind it the DER. */
static enum q_err
secret_take(struct bytes text, struct secret *room, struct buf *der,
    struct fault *f)
{
	static const uint8_t none[2 * PKCS8_MAX];
	enum q_err r = text.len > PKCS8_MAX ? Q_TOOBIG :
	    secret_new(none, sizeof(none), room);

	if (r == Q_OK)
		memcpy(room->p, text.p, text.len);
	explicit_bzero((void *)(uintptr_t)text.p, text.len);
	if (r != Q_OK)
		return r;
	*der = (struct buf){ .p = room->p + PKCS8_MAX, .cap = PKCS8_MAX,
		.max = PKCS8_MAX - 1 };
	return pkcs8_der((struct bytes){ room->p, text.len }, der, f);
}

enum q_err
signd_do_key_import(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct signd_key_import_req *in = req;
	AUTO_BUF struct buf spki = BUF_INIT(SIGND_SPKI_MAX);
	AUTO_SECRET struct secret room = { 0 };
	struct brought b = { 0 };
	struct wanted w = { .brought = &b, .name = in->name,
		.user = in->user, .token = in->token,
		.uid = wire_req_uid(q) };
	struct buf der;
	enum q_err r = secret_take(in->pkcs8, &room, &der, f);

	if (r == Q_OK)
		r = purpose_take(in->purpose, &w.purpose, f);
	if (r == Q_OK)
		r = key_rules_decode(in->rules, &w.rules, f);
	if (r == Q_OK)
		r = pkcs8_parse(buf_bytes(&der), &b.key, f);
	if (r == Q_OK)
		r = pkcs8_check(&b.key, &spki, f);
	if (r != Q_OK)
		return r;
	w.kind = b.key.kind == KEY_P256 ? TOKEN_P256 : TOKEN_RSA3072;
	b.spki = buf_bytes(&spki);
	return make(ctx, &w, q, rsp, f);
}
