// SPDX-License-Identifier: Apache-2.0
/* Keys that people made: other rules, a certificate, their end. */
#include "config.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "signd/signd.h"
#include "x509/der.h"

#define APPROVALS_BYTES ((size_t)1 << 20) /* as many as there can be */
#define RULES_LINE 800

/* Who asks for what of which key. */
struct change {
	const char *id, *user;
	uint32_t uid;
	struct key_rules rules;
	struct bytes cert;
};

/* With `change` held: what it does to the key, in a keyring that is to be;
 * *changed stays false when there is nothing to do. */
typedef enum q_err change_fn(struct signd *s, const struct change *c,
    const struct key *k, struct keyring *next, bool *changed,
    struct fault *f);

/* The copy is consumed. */
static enum q_err
copy_put(struct signd *s, const struct change *c, struct keyring *next,
    struct key *copy, struct fault *f)
{
	enum q_err r = signd_rules_journal(s, copy, c->uid, c->user, f);

	if (r == Q_OK)
		return keyring_put(next, copy);
	key_unref(copy);
	return r;
}

/* The new rules in one line, for approvers; their digest says the rest. */
static void
rules_line(const struct key_rules *rules, struct buf *out)
{
	AUTO_BUF struct buf words = BUF_INIT(SIGND_RULES_MAX);

	key_rules_words(rules, &words);
	for (size_t i = 0; i + 1 < words.len; i++)
		if (words.p[i] == '\n')
			words.p[i] = ';';
	if (words.len > 0)
		words.len--;
	buf_printf(out, "%.*s%s", words.len > RULES_LINE ? RULES_LINE :
	    (int)words.len, (const char *)words.p, words.len > RULES_LINE ?
	    " and more" : "");
}

/* By the rules before the change. */
static enum q_err
change_approve(struct signd *s, const struct change *c, const struct key *k,
    const struct keyring *ring, struct fault *f)
{
	AUTO_BUF struct buf code = BUF_INIT(SIGND_RULES_MAX);
	AUTO_BUF struct buf words = BUF_INIT(SIGND_RULES_MAX);
	uint8_t digest[SHA256_DIGEST_LENGTH];

	key_rules_encode(&c->rules, &code);
	rules_line(&c->rules, &words);
	if (code.bad || words.bad)
		return Q_NOMEM;
	SHA256(code.p, code.len, digest);
	return approve_need(s, ring, &(struct approve_ask){
		.action = APPROVE_CHANGE_KEY, .key = k,
		.digest = { digest, sizeof(digest) },
		.meaning = (const char *)words.p, .user = c->user,
		.uid = c->uid }, f);
}

static enum q_err
rules_change(struct signd *s, const struct change *c, const struct key *k,
    struct keyring *next, bool *changed, struct fault *f)
{
	struct key *copy;
	enum q_err r = key_rules_check(&c->rules, k->purpose, k->kind, next,
	    f);

	if (r != Q_OK || key_rules_equal(&k->rules, &c->rules))
		return r;
	r = change_approve(s, c, k, next, f);
	if (r != Q_OK)
		return r;
	copy = key_copy(k, (uint16_t)s->conf->crl_port, next);
	if (copy == NULL)
		return Q_NOMEM;
	copy->rules = c->rules;
	*changed = true;
	return copy_put(s, c, next, copy, f);
}

/* A certificate of the key, or none. */
static enum q_err
cert_set(struct signd *s, struct key *copy, struct bytes cert,
    const char *host, struct fault *f)
{
	enum q_err r;

	if (cert.len != 0) {
		r = key_certify(copy, cert, host,
		    (uint16_t)s->conf->crl_port, f);
		if (r == Q_OK && !bytes_equal(copy->cert.spki,
		    (struct bytes){ copy->spki, copy->spki_len }))
			r = fault_set(f, Q_INVALID,
			    "cert: it is that of another key");
		return r;
	}
	free(copy->der);
	copy->der = NULL;
	copy->der_len = 0;
	copy->cert = (struct cert){ 0 };
	return pubkey_parse((struct bytes){ copy->spki, copy->spki_len },
	    &copy->pub, f);
}

static enum q_err
cert_change(struct signd *s, const struct change *c, const struct key *k,
    struct keyring *next, bool *changed, struct fault *f)
{
	struct key *copy;
	enum q_err r;

	if (k->purpose != PURPOSE_CODESIGN)
		return fault_set(f, Q_INVALID, "key %s is for %s: only "
		    "codesign keys have certificates of other CAs", k->name,
		    purpose_text(k->purpose));
	if (bytes_equal(c->cert, (struct bytes){ k->der, k->der_len }))
		return Q_OK;
	copy = key_copy(k, (uint16_t)s->conf->crl_port, next);
	if (copy == NULL)
		return Q_NOMEM;
	r = cert_set(s, copy, c->cert, next->host, f);
	if (r != Q_OK) {
		key_unref(copy);
		return r;
	}
	*changed = true;
	return copy_put(s, c, next, copy, f);
}

/* What people agreed to is waited for. */
static enum q_err
agreed_refuse(struct signd *s, const struct keyring *ring,
    const struct key *k, struct fault *f)
{
	AUTO_BUF struct buf list = BUF_INIT(APPROVALS_BYTES);
	struct signd_approval item;
	char begin[80], until[24];
	struct bytes rest;

	approve_list(s, ring, "", APPROVALS_BYTES, &list);
	snprintf(begin, sizeof(begin),
	    "quoin approval 1\naction: sign\nkey: %s ", k->id);
	rest = buf_bytes(&list);
	while (!list.bad && wire_list_next(&rest, &signd_approval_type,
	    &item) == Q_OK) {
		if (item.have[0] == '\0' || strncmp(item.statement, begin,
		    strlen(begin)) != 0)
			continue;
		time_format((int64_t)item.expires, until);
		return fault_set(f, Q_CONFLICT, "%.64s agreed to a signature "
		    "by key %s that was not made yet: approval %s, until %s",
		    item.have, k->name, item.id, until);
	}
	return list.bad ? Q_NOMEM : Q_OK;
}

/* Out of the keyring; maintenance destroys what was announced and is in
 * none. */
static enum q_err
delete_change(struct signd *s, const struct change *c, const struct key *k,
    struct keyring *next, bool *changed, struct fault *f)
{
	struct journal_key rec = { .destroy = true,
		.purpose = purpose_text(k->purpose), .policy = "" };
	struct journal_rule last = { .name = k->name, .user = c->user,
		.purpose = rec.purpose };
	enum q_err r = agreed_refuse(s, next, k, f);

	if (r == Q_OK)
		r = approve_need(s, next, &(struct approve_ask){
			.action = APPROVE_DELETE_KEY, .key = k,
			.user = c->user, .uid = c->uid }, f);
	if (r == Q_OK)
		r = journal_put(s->journal, &(struct journal_entry){
			JOURNAL_rule, c->uid, k->id, &last }, f);
	*changed = true;
	if (r == Q_OK)
		r = journal_put(s->journal, &(struct journal_entry){
			JOURNAL_key, c->uid, k->id, &rec }, f);
	if (r == Q_OK)
		r = signd_announce(s, k->id);
	if (r == Q_OK)
		keyring_remove(next, k->id);
	return r;
}

/* Why a key of the appliance's own stays. */
static enum q_err
own_refuse(const struct key *k, struct fault *f)
{
	char until[24];

	time_format(k->cert.not_after, until);
	if (k->purpose == PURPOSE_ISSUING && !k->old)
		return fault_set(f, Q_CONFLICT, "key %s is the issuing CA of "
		    "policy %s, which issues with it", k->id, k->policy);
	if (k->purpose == PURPOSE_ISSUING)
		return fault_set(f, Q_CONFLICT, "certificates that CA %s "
		    "issued are valid until %s, and what is revoked of them "
		    "is signed with it", k->id, until);
	if (k->purpose == PURPOSE_ROOT)
		return fault_set(f, Q_CONFLICT, "key %s is the OEM Root%s "
		    "until %s: devices trust it, and the appliance's CAs are "
		    "its", k->id, k->old ? " that was replaced," : "", until);
	if (k->purpose == PURPOSE_SEAL)
		return fault_set(f, Q_CONFLICT, "key %s seals every secret "
		    "of the appliance, and its list of keys", k->id);
	if (k->purpose == PURPOSE_PEPPER)
		return fault_set(f, Q_CONFLICT, "without key %s no password "
		    "of a user of the appliance can be verified", k->id);
	if (k->purpose == PURPOSE_TLS_COMPANY)
		return fault_set(f, Q_CONFLICT, "key %s is that of the "
		    "certificate by the company's CA", k->id);
	return fault_set(f, Q_CONFLICT, "key %s, for %s, is needed by the "
	    "appliance, which replaces it by itself", k->id,
	    purpose_text(k->purpose));
}

static enum q_err
change(struct signd *s, const struct change *c, change_fn *fn,
    struct fault *f)
{
	AUTO_RING struct keyring *ring = NULL;
	struct keyring *next = NULL;
	const struct key *k;
	bool changed = false;
	enum q_err r = signd_ring(s, true, &ring, f);

	if (r != Q_OK)
		return r;
	k = keyring_find(ring, c->id);
	if (k == NULL)
		return fault_set(f, Q_NOTFOUND, "no key %.16s", c->id);
	if (k->name[0] == '\0')
		return own_refuse(k, f);
	next = keyring_new(ring);
	r = next == NULL ? Q_NOMEM : fn(s, c, k, next, &changed, f);
	if (r == Q_OK && changed)
		return signd_install(s, next, c->uid, f);
	keyring_unref(next);
	return r;
}

static enum q_err
change_locked(struct signd *s, const struct change *c, change_fn *fn,
    struct fault *f)
{
	enum q_err r;

	pthread_mutex_lock(&s->change);
	r = change(s, c, fn, f);
	pthread_mutex_unlock(&s->change);
	return r;
}

enum q_err
signd_do_key_set(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct signd_key_set_req *in = req;
	struct change c = { .id = in->key, .user = in->user,
		.uid = wire_req_uid(q) };
	enum q_err r = key_rules_decode(in->rules, &c.rules, f);

	(void)rsp;
	return r == Q_OK ? change_locked(ctx, &c, rules_change, f) : r;
}

enum q_err
signd_do_key_delete(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct signd_key_delete_req *in = req;
	const struct change c = { .id = in->key, .user = in->user,
		.uid = wire_req_uid(q) };

	(void)rsp;
	return change_locked(ctx, &c, delete_change, f);
}

enum q_err
signd_do_key_cert(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct signd_key_cert_req *in = req;
	const struct change c = { .id = in->key, .user = in->user,
		.uid = wire_req_uid(q), .cert = in->cert };

	(void)rsp;
	return change_locked(ctx, &c, cert_change, f);
}
