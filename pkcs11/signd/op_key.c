// SPDX-License-Identifier: Apache-2.0
/* Keys that people make, with rules of theirs. */
#include "config.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/own.h"
#include "signd/signd.h"

/* What is wanted of a new key. */
struct wanted {
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
same_find(const struct keyring *ring, const struct wanted *w, bool imported,
    const struct key **ret, struct fault *f)
{
	const struct key *k = keyring_named(ring, w->name);

	if (k != NULL && (k->purpose != w->purpose || k->kind != w->kind ||
	    k->imported != imported || k->token != w->token))
		return fault_set(f, Q_EXISTS, "there is another key %s: %s, "
		    "for %s%s", k->name, kind_text(k->kind),
		    purpose_text(k->purpose), k->imported ? ", imported" : "");
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

/* The key is in the token: into the keyring. Consumes it. */
static enum q_err
key_install(struct signd *s, const struct keyring *ring, struct key *k,
    const struct wanted *w, struct fault *f)
{
	struct keyring *next = keyring_new(ring);
	enum q_err r = next == NULL ? Q_NOMEM : public_take(s, k, f);

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

/* With `change` held. */
static enum q_err
make(struct signd *s, const struct wanted *w, struct wire_req *q,
    struct signd_key_make_rsp *out, struct fault *f)
{
	AUTO_RING struct keyring *ring = NULL, *now = NULL;
	const struct key *have = NULL;
	struct key *k;
	enum q_err r = signd_ring(s, true, &ring, f);

	if (r == Q_OK)
		r = wanted_check(s, ring, w, f);
	if (r == Q_OK)
		r = same_find(ring, w, false, &have, f);
	if (r == Q_OK && have == NULL) {
		k = key_wanted(w);
		r = pki_key(s, k, w->uid, f);
		if (r == Q_OK)
			r = key_install(s, ring, k, w, f);
		if (r == Q_OK)
			r = signd_ring(s, true, &now, f);
		if (r == Q_OK)
			have = keyring_named(now, w->name);
	}
	if (r == Q_OK)
		answer(q, have, out);
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
	struct signd *s = ctx;
	enum q_err r = purpose_take(in->purpose, &w.purpose, f);

	if (r == Q_OK && w.kind == 0)
		r = fault_set(f, Q_INVALID, "kind: neither P-256 nor RSA-3072 "
		    "nor AES-256");
	if (r == Q_OK)
		r = key_rules_decode(in->rules, &w.rules, f);
	if (r != Q_OK)
		return r;
	pthread_mutex_lock(&s->change);
	r = make(s, &w, q, rsp, f);
	pthread_mutex_unlock(&s->change);
	return r;
}
