// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "enrold/authcert.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "enrold/cache.h"
#include "records/access.h"

#define LEVEL 2		/* of OpenSSL: 112 bits, SHA-2 */
#define AGAIN_MS 250

struct anchor {
	char key[DEVICE_ID_LEN + 1];
	char name[REC_NAME_MAX + 1];
	X509 *cert;
};

struct trust {
	struct anchor *anchors;
	size_t n;
	unsigned refs;
};

struct authcerts {
	struct wire_client *recordd;
	pthread_mutex_t lock;	/* what follows */
	pthread_mutex_t load;	/* one at a time reads */
	struct trust *trust;
	int64_t read_ms;	/* 0: nothing, or not to be believed */
	uint64_t forgotten;	/* counts calls of forget */
};

enum q_err
trust_new(struct trust **ret_trust)
{
	struct trust *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return Q_NOMEM;
	t->refs = 1;
	*ret_trust = t;
	return Q_OK;
}

void
trust_free(struct trust *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++)
		X509_free(t->anchors[i].cert);
	free(t->anchors);
	free(t);
}

static X509 *
x509_of(struct bytes der)
{
	const uint8_t *p = der.p;
	X509 *x = der.len <= CERT_PARSE_MAX ?
	    d2i_X509(NULL, &p, (long)der.len) : NULL;

	if (x != NULL && p == der.p + der.len)
		return x;
	X509_free(x);
	ERR_clear_error();
	return NULL;
}

enum q_err
trust_add(struct trust *t, const char *key, const char *name,
    struct bytes der, struct fault *f)
{
	X509 *x = x509_of(der);
	struct anchor *grown;

	if (x == NULL)
		return fault_set(f, Q_PROTO,
		    "Auth Cert %.64s is no certificate", name);
	grown = realloc(t->anchors, (t->n + 1) * sizeof(*grown));
	if (grown == NULL) {
		X509_free(x);
		return Q_NOMEM;
	}
	t->anchors = grown;
	grown += t->n++;
	*grown = (struct anchor){ .cert = x };
	snprintf(grown->key, sizeof(grown->key), "%.64s", key);
	snprintf(grown->name, sizeof(grown->name), "%.64s", name);
	return Q_OK;
}

/* Before, in or after its dates: -1, 0, 1. */
static int
date_side(const X509 *x, int64_t now)
{
	time_t at = (time_t)now;

	if (X509_cmp_time(X509_get0_notBefore(x), &at) > 0)
		return -1;
	return X509_cmp_time(X509_get0_notAfter(x), &at) < 0;
}

/* The imported certificate that is this one. */
static const struct anchor *
anchor_of(const struct trust *t, const X509 *x)
{
	for (size_t i = 0; i < t->n; i++)
		if (X509_cmp(t->anchors[i].cert, x) == 0)
			return &t->anchors[i];
	return NULL;
}

/* Only what may be used now: one that has expired must not hide another way
 * up, over an intermediate that was imported, too. */
static X509_STORE *
store_of(const struct trust *t, int64_t now)
{
	X509_STORE *store = X509_STORE_new();

	for (size_t i = 0; store != NULL && i < t->n; i++)
		if (date_side(t->anchors[i].cert, now) == 0 &&
		    X509_STORE_add_cert(store, t->anchors[i].cert) != 1) {
			X509_STORE_free(store);
			return NULL;
		}
	return store;
}

static STACK_OF(X509) *
stack_of(const struct bytes *chain, size_t n)
{
	STACK_OF(X509) *stack = sk_X509_new_null();

	for (size_t i = 0; stack != NULL && i < n; i++) {
		X509 *x = x509_of(chain[i]);

		if (x != NULL && sk_X509_push(stack, x) == 0)
			X509_free(x);
	}
	return stack;
}

/* RFC 5280 4.2.1.3, 4.2.1.12: what the device's certificate is made for. */
static enum q_err
leaf_check(X509 *leaf, struct bytes der, struct fault *f)
{
	uint32_t eku = X509_get_extended_key_usage(leaf);
	uint32_t ku = X509_get_key_usage(leaf);
	struct cert cert;
	struct pubkey key;
	enum q_err r = cert_parse(der, &cert, f);

	if (r == Q_OK)
		r = pubkey_parse(cert.spki, &key, f);
	if (r != Q_OK)
		return r;
	if (X509_get_extension_flags(leaf) & EXFLAG_INVALID)
		return fault_set(f, Q_DENIED, "its extensions are malformed");
	if (cert.is_ca)
		return fault_set(f, Q_DENIED, "it is a CA certificate");
	if (eku != UINT32_MAX && (eku & (XKU_SSL_CLIENT | XKU_ANYEKU)) == 0)
		return fault_set(f, Q_DENIED,
		    "its extendedKeyUsage is not for TLS clients");
	if ((ku & (KU_DIGITAL_SIGNATURE | KU_KEY_AGREEMENT)) == 0)
		return fault_set(f, Q_DENIED,
		    "its keyUsage is not for TLS clients");
	return Q_OK;
}

/* The Auth Cert that a good path meets first, seen from the device. */
static enum q_err
path_anchor(const struct trust *t, STACK_OF(X509) *path, char *ret_key,
    struct fault *f)
{
	const struct anchor *a = NULL;

	for (int i = 0; i < sk_X509_num(path) && a == NULL; i++) {
		X509 *x = sk_X509_value(path, i);

		if (!rec_auth_key_fits(x))
			return fault_set(f, Q_DENIED,
			    "a key of its chain is of a kind not accepted");
		if (i != 0)
			a = anchor_of(t, x);
	}
	if (a == NULL)
		return fault_set(f, Q_DENIED,
		    "it is itself the imported certificate");
	memcpy(ret_key, a->key, sizeof(a->key));
	return Q_OK;
}

/* Why there is no path; best said is that the right Auth Cert is there, but
 * not in its dates. */
static enum q_err
path_refused(const struct trust *t, X509 *leaf, STACK_OF(X509) *others,
    int why, int64_t now, struct fault *f)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct anchor *a = &t->anchors[i];
		X509_NAME *name = X509_get_subject_name(a->cert);
		int side = date_side(a->cert, now);
		bool above = X509_NAME_cmp(X509_get_issuer_name(leaf),
		    name) == 0;

		for (int k = 0; k < sk_X509_num(others); k++)
			above |= X509_NAME_cmp(X509_get_issuer_name(
			    sk_X509_value(others, k)), name) == 0;
		if (above && side != 0)
			return fault_set(f, Q_DENIED, "Auth Cert %s %s",
			    a->name, side > 0 ? "has expired" :
			    "is not valid yet");
	}
	return fault_set(f, Q_DENIED, "%s",
	    X509_verify_cert_error_string(why));
}

static enum q_err
path_check(const struct trust *t, X509_STORE_CTX *ctx, X509 *leaf,
    STACK_OF(X509) *others, int64_t now)
{
	X509_VERIFY_PARAM *param;
	X509_STORE *store = store_of(t, now);
	bool good = store != NULL &&
	    X509_STORE_CTX_init(ctx, store, leaf, others) == 1;

	if (good) {
		param = X509_STORE_CTX_get0_param(ctx);
		X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
		X509_VERIFY_PARAM_set_depth(param, AUTHCERT_DEPTH);
		X509_VERIFY_PARAM_set_auth_level(param, LEVEL);
		X509_VERIFY_PARAM_set_time(param, (time_t)now);
		good = X509_verify_cert(ctx) == 1;
	}
	X509_STORE_free(store);
	return good ? Q_OK : Q_DENIED;
}

enum q_err
trust_check(struct trust *t, const struct bytes *chain, size_t n, int64_t now,
    char ret_key[DEVICE_ID_LEN + 1], struct fault *f)
{
	X509 *leaf = x509_of(chain[0]);
	STACK_OF(X509) *others = stack_of(chain + 1, n - 1);
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	enum q_err r = Q_NOMEM;

	if (leaf == NULL)
		r = fault_set(f, Q_DENIED, "it is malformed");
	else if (ctx != NULL && others != NULL)
		r = leaf_check(leaf, chain[0], f);
	if (r == Q_OK && path_check(t, ctx, leaf, others, now) == Q_OK)
		r = path_anchor(t, X509_STORE_CTX_get0_chain(ctx), ret_key,
		    f);
	else if (r == Q_OK)
		r = path_refused(t, leaf, others,
		    X509_STORE_CTX_get_error(ctx), now, f);
	ERR_clear_error();
	X509_STORE_CTX_free(ctx);
	sk_X509_pop_free(others, X509_free);
	X509_free(leaf);
	return r == Q_NOMEM || r == Q_OK ? r : Q_DENIED;
}

/* --- the newest set ----------------------------------------------------- */

enum q_err
authcerts_new(struct wire_client *recordd, struct authcerts **ret_ac)
{
	struct authcerts *ac = calloc(1, sizeof(*ac));

	if (ac == NULL)
		return Q_NOMEM;
	ac->recordd = recordd;
	pthread_mutex_init(&ac->lock, NULL);
	pthread_mutex_init(&ac->load, NULL);
	*ret_ac = ac;
	return Q_OK;
}

void
authcerts_free(struct authcerts *ac)
{
	if (ac == NULL)
		return;
	trust_free(ac->trust);
	pthread_mutex_destroy(&ac->lock);
	pthread_mutex_destroy(&ac->load);
	free(ac);
}

void
authcerts_forget(struct authcerts *ac)
{
	pthread_mutex_lock(&ac->lock);
	ac->read_ms = 0;
	ac->forgotten++;
	pthread_mutex_unlock(&ac->lock);
}

static void
trust_drop(struct authcerts *ac, struct trust *t)
{
	bool last;

	if (t == NULL)
		return;
	pthread_mutex_lock(&ac->lock);
	last = --t->refs == 0;
	pthread_mutex_unlock(&ac->lock);
	if (last)
		trust_free(t);
}

static enum q_err
trust_read(struct wire_client *recordd, struct trust **ret_trust,
    struct fault *f)
{
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(recordd, REC_AUTH_CERT, NULL, NULL);
	struct rec_auth_cert rec;
	struct trust *t = NULL;
	enum q_err r = trust_new(&t);

	while (r == Q_OK && (r = rec_list_next(&it, &rec, f)) == Q_OK) {
		r = trust_add(t, rec.key, rec.name, (struct bytes){
		    rec.cert.p, rec.cert.len }, NULL);
		/* What was imported was looked at then. */
		if (r == Q_PROTO)
			r = Q_OK;
	}
	if (r == Q_NOTFOUND) {
		*ret_trust = t;
		return Q_OK;
	}
	trust_free(t);
	return r;
}

/* The set, if it is no older than that: the caller's to trust_drop. */
static struct trust *
trust_newest(struct authcerts *ac, int64_t max_age_ms)
{
	struct trust *t = NULL;

	pthread_mutex_lock(&ac->lock);
	if (ac->read_ms != 0 && clock_mono_ms() - ac->read_ms <= max_age_ms) {
		t = ac->trust;
		t->refs++;
	}
	pthread_mutex_unlock(&ac->lock);
	return t;
}

/* Under ac->load. */
static enum q_err
trust_load(struct authcerts *ac, struct trust **ret_trust, struct fault *f)
{
	struct trust *t, *old;
	int64_t now = clock_mono_ms();
	uint64_t forgotten;
	enum q_err r;

	pthread_mutex_lock(&ac->lock);
	forgotten = ac->forgotten;
	pthread_mutex_unlock(&ac->lock);
	r = trust_read(ac->recordd, &t, f);
	if (r != Q_OK)
		return r;
	t->refs++;
	pthread_mutex_lock(&ac->lock);
	old = ac->trust;
	ac->trust = t;
	ac->read_ms = ac->forgotten == forgotten ? now : 0;
	pthread_mutex_unlock(&ac->lock);
	trust_drop(ac, old);
	*ret_trust = t;
	return Q_OK;
}

static enum q_err
trust_hold(struct authcerts *ac, int64_t max_age_ms, struct trust **ret_trust,
    struct fault *f)
{
	struct trust *t = trust_newest(ac, max_age_ms);
	enum q_err r = Q_OK;

	if (t == NULL) {
		pthread_mutex_lock(&ac->load);
		t = trust_newest(ac, max_age_ms);
		if (t == NULL)
			r = trust_load(ac, &t, f);
		pthread_mutex_unlock(&ac->load);
	}
	if (r == Q_OK)
		*ret_trust = t;
	return r;
}

static enum q_err
newest_check(struct authcerts *ac, int64_t max_age_ms,
    const struct bytes *chain, size_t n, struct peer *p, struct fault *f)
{
	struct trust *t;
	struct fault why = { 0 };
	enum q_err r = trust_hold(ac, max_age_ms, &t, f);

	if (r != Q_OK)
		return r;
	r = trust_check(t, chain, n, clock_wall(), p->auth, &why);
	if (r == Q_DENIED && t->n != 0)
		fault_set(f, r, "client certificate is neither self-signed "
		    "nor ours, and no Auth Cert vouches for it: %s",
		    fault_text(&why, r));
	trust_drop(ac, t);
	return r;
}

enum q_err
authcerts_identify(struct authcerts *ac, const struct bytes *chain, size_t n,
    struct peer *ret_peer, struct fault *f)
{
	struct peer p = { .kind = PEER_AUTH };
	struct cert cert;
	enum q_err r = newest_check(ac, CACHE_MS, chain, n, &p, f);

	if (r == Q_DENIED)
		r = newest_check(ac, AGAIN_MS, chain, n, &p, f);
	if (r == Q_OK)
		r = cert_parse(chain[0], &cert, f);
	if (r != Q_OK)
		return r;
	device_id_of(cert.spki, p.device_id);
	*ret_peer = p;
	return Q_OK;
}
