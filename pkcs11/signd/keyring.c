// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "signd/keyring.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/own.h"
#include "signer/signer.h"
#include "x509/der.h"

const char *
purpose_text(enum key_purpose p)
{
	static const char *const texts[] = {
#define X(name, text) text,
		KEY_PURPOSES(X)
#undef X
	};

	return texts[p];
}

struct keyring *
keyring_new(const struct keyring *from)
{
	struct keyring *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	if (from != NULL) {
		*r = *from;
		r->generation++;
		r->keys = calloc(from->n + 1, sizeof(struct key *));
		if (r->keys == NULL) {
			free(r);
			return NULL;
		}
		for (size_t i = 0; i < from->n; i++) {
			r->keys[i] = from->keys[i];
			atomic_fetch_add(&r->keys[i]->refs, 1);
		}
	}
	atomic_init(&r->refs, 1);
	return r;
}

struct keyring *
keyring_ref(struct keyring *r)
{
	if (r != NULL)
		atomic_fetch_add(&r->refs, 1);
	return r;
}

void
keyring_unref(struct keyring *r)
{
	if (r == NULL || atomic_fetch_sub(&r->refs, 1) != 1)
		return;
	for (size_t i = 0; i < r->n; i++)
		key_unref(r->keys[i]);
	free(r->keys);
	free(r);
}

enum q_err
keyring_put(struct keyring *r, struct key *k)
{
	struct key **grown;

	for (size_t i = 0; i < r->n; i++) {
		if (strcmp(r->keys[i]->id, k->id) != 0)
			continue;
		key_unref(r->keys[i]);
		r->keys[i] = k;
		return Q_OK;
	}
	grown = realloc(r->keys, (r->n + 1) * sizeof(struct key *));
	if (grown == NULL) {
		key_unref(k);
		return Q_NOMEM;
	}
	r->keys = grown;
	r->keys[r->n++] = k;
	return Q_OK;
}

void
keyring_remove(struct keyring *r, const char *id)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n; i++) {
		if (strcmp(r->keys[i]->id, id) == 0)
			key_unref(r->keys[i]);
		else
			r->keys[kept++] = r->keys[i];
	}
	r->n = kept;
}

struct key *
keyring_find(const struct keyring *r, const char *id)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->keys[i]->id, id) == 0)
			return r->keys[i];
	return NULL;
}

struct key *
keyring_active(const struct keyring *r, enum key_purpose purpose,
    const char *policy)
{
	for (size_t i = r->n; i-- > 0;)
		if (r->keys[i]->purpose == purpose && !r->keys[i]->old &&
		    strcmp(r->keys[i]->policy, policy) == 0)
			return r->keys[i];
	return NULL;
}

static bool
issued(const struct key *ca, const struct key *k)
{
	return k->cert.aki.len != 0 &&
	    bytes_equal(ca->cert.ski, k->cert.aki);
}

struct key *
keyring_issuer(const struct keyring *r, const struct key *k)
{
	for (size_t i = 0; i < r->n; i++)
		if ((r->keys[i]->purpose == PURPOSE_ROOT ||
		    r->keys[i]->purpose == PURPOSE_ISSUING) &&
		    issued(r->keys[i], k))
			return r->keys[i];
	return NULL;
}

struct key *
keyring_ocsp(const struct keyring *r, const struct key *ca)
{
	for (size_t i = r->n; i-- > 0;)
		if (r->keys[i]->purpose == PURPOSE_OCSP &&
		    issued(ca, r->keys[i]))
			return r->keys[i];
	return NULL;
}

struct key *
key_new(enum key_purpose purpose, enum token_kind kind, const char *policy)
{
	uint8_t id[SIGND_ID_LEN / 2];
	struct key *k = calloc(1, sizeof(*k));

	if (k != NULL)
		k->use = calloc(1, sizeof(*k->use));
	if (k == NULL || k->use == NULL || RAND_bytes(id, sizeof(id)) != 1) {
		free(k);
		return NULL;
	}
	atomic_init(&k->refs, 1);
	atomic_init(&k->use->refs, 1);
	hex_encode(id, sizeof(id), k->id);
	k->purpose = purpose;
	k->kind = kind;
	k->generation = 1;
	k->created = (uint64_t)clock_wall();
	snprintf(k->policy, sizeof(k->policy), "%s", policy);
	return k;
}

struct key *
key_copy(const struct key *k, uint16_t crl_port, const struct keyring *ring)
{
	struct key *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	*c = *k;
	atomic_init(&c->refs, 1);
	atomic_fetch_add(&c->use->refs, 1);
	c->der = NULL;
	c->pkey = NULL;
	c->template = NULL;
	if (k->der != NULL && key_certify(c, (struct bytes){ k->der,
	    k->der_len }, ring->host, crl_port, NULL) != Q_OK) {
		key_unref(c);
		return NULL;
	}
	return c;
}

void
key_unref(struct key *k)
{
	if (k == NULL || atomic_fetch_sub(&k->refs, 1) != 1)
		return;
	if (atomic_fetch_sub(&k->use->refs, 1) == 1)
		free(k->use);
	EVP_PKEY_free(k->pkey);
	cert_template_free(k->template);
	free(k->der);
	free(k);
}

static enum q_err
template_make(struct key *k, const char *host, uint16_t port, struct fault *f)
{
	char crl[SIGNER_URL_MAX], ca[SIGNER_URL_MAX], ocsp[SIGNER_URL_MAX];
	struct cert_template_spec spec = { .alg = sig_alg_for(k->pub.kind),
		.issuer = k->cert.subject, .issuer_ski = k->cert.ski,
		.urls = { .crl = crl, .issuer = ca, .ocsp = ocsp } };
	enum q_err r = signer_crl_url(host, port, k->id, crl, sizeof(crl));

	if (r == Q_OK)
		r = signer_ca_url(host, port, k->id, ca, sizeof(ca));
	if (r == Q_OK)
		r = signer_ocsp_url(host, port, ocsp, sizeof(ocsp));
	if (r != Q_OK)
		return fault_set(f, r, "name: too long for a URL");
	return cert_template_new(&spec, &k->template, f);
}

enum q_err
key_certify(struct key *k, struct bytes der, const char *host, uint16_t port,
    struct fault *f)
{
	uint8_t *copy = malloc(der.len);
	enum q_err r;

	if (copy == NULL)
		return Q_NOMEM;
	memcpy(copy, der.p, der.len);
	free(k->der);
	k->der = copy;
	k->der_len = der.len;
	r = cert_parse((struct bytes){ copy, der.len }, &k->cert, f);
	if (r == Q_OK)
		r = pubkey_parse(k->cert.spki, &k->pub, f);
	if (r == Q_OK && k->pkey == NULL)
		r = pubkey_load(&k->pub, &k->pkey, f);
	if (r != Q_OK || k->purpose != PURPOSE_ISSUING)
		return r;
	cert_template_free(k->template);
	k->template = NULL;
	return template_make(k, host, port, f);
}
