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

/* For n keys and one more. */
static bool
room(struct keyring *r, size_t n)
{
	struct key ***lists[] = { &r->keys, &r->by_id, &r->own };

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct key **grown = realloc(*lists[i],
		    (n + 1) * sizeof(*grown));

		if (grown == NULL)
			return false;
		*lists[i] = grown;
	}
	return true;
}

/* Where in by_id an id is, or belongs. */
static size_t
place(const struct keyring *r, const char *id)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(r->by_id[mid]->id, id) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void
replace(struct key **list, size_t n, const struct key *old, struct key *k)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == old)
			list[i] = k;
}

/* What is left of the list. */
static size_t
take_out(struct key **list, size_t n, const struct key *k)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (list[i] != k)
			list[kept++] = list[i];
	return kept;
}

struct keyring *
keyring_new(const struct keyring *from)
{
	struct keyring *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	atomic_init(&r->refs, 1);
	if (from != NULL) {
		/* Not as a whole: others count its references meanwhile. */
		r->generation = from->generation + 1;
		memcpy(r->host, from->host, sizeof(r->host));
		memcpy(r->ips, from->ips, sizeof(r->ips));
		r->tls_rsa = from->tls_rsa;
		if (!room(r, from->n)) {
			keyring_unref(r);
			return NULL;
		}
		r->n = from->n;
		r->n_own = from->n_own;
		for (size_t i = 0; i < from->n; i++) {
			r->keys[i] = from->keys[i];
			r->by_id[i] = from->by_id[i];
			atomic_fetch_add(&r->keys[i]->refs, 1);
		}
		for (size_t i = 0; i < from->n_own; i++)
			r->own[i] = from->own[i];
		for (size_t i = 0; i < from->n_approvers; i++) {
			if (keyring_approver_put(r, &from->approvers[i]))
				continue;
			keyring_unref(r);
			return NULL;
		}
	}
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
	free(r->approvers);
	free(r->own);
	free(r->by_id);
	free(r->keys);
	free(r);
}

enum q_err
keyring_put(struct keyring *r, struct key *k)
{
	struct key *old = keyring_find(r, k->id);
	size_t at;

	if (old != NULL) {
		replace(r->keys, r->n, old, k);
		replace(r->by_id, r->n, old, k);
		replace(r->own, r->n_own, old, k);
		key_unref(old);
		return Q_OK;
	}
	if (!room(r, r->n)) {
		key_unref(k);
		return Q_NOMEM;
	}
	at = place(r, k->id);
	memmove(r->by_id + at + 1, r->by_id + at,
	    (r->n - at) * sizeof(*r->by_id));
	r->by_id[at] = k;
	if (purpose_row(k->purpose)->kinds == 0)
		r->own[r->n_own++] = k;
	r->keys[r->n++] = k;
	return Q_OK;
}

void
keyring_remove(struct keyring *r, const char *id)
{
	struct key *k = keyring_find(r, id);

	if (k == NULL)
		return;
	r->n_own = take_out(r->own, r->n_own, k);
	(void)take_out(r->by_id, r->n, k);
	r->n = take_out(r->keys, r->n, k);
	key_unref(k);
}

struct key *
keyring_find(const struct keyring *r, const char *id)
{
	size_t at = place(r, id);

	return at < r->n && strcmp(r->by_id[at]->id, id) == 0 ?
	    r->by_id[at] : NULL;
}

struct key *
keyring_active(const struct keyring *r, enum key_purpose purpose,
    const char *policy)
{
	for (size_t i = r->n_own; i-- > 0;)
		if (r->own[i]->purpose == purpose && !r->own[i]->old &&
		    strcmp(r->own[i]->policy, policy) == 0)
			return r->own[i];
	return NULL;
}

struct key *
keyring_named(const struct keyring *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->keys[i]->name[0] != '\0' &&
		    strcmp(r->keys[i]->name, name) == 0)
			return r->keys[i];
	return NULL;
}

struct approver *
keyring_approver(const struct keyring *r, const char *name)
{
	for (size_t i = 0; i < r->n_approvers; i++)
		if (strcmp(r->approvers[i].name, name) == 0)
			return &r->approvers[i];
	return NULL;
}

bool
keyring_approver_put(struct keyring *r, const struct approver *a)
{
	struct approver *at = keyring_approver(r, a->name), *grown;
	size_t i = 0;

	if (at != NULL) {
		*at = *a;
		return true;
	}
	grown = realloc(r->approvers, (r->n_approvers + 1) * sizeof(*grown));
	if (grown == NULL)
		return false;
	while (i < r->n_approvers && strcmp(grown[i].name, a->name) < 0)
		i++;
	memmove(&grown[i + 1], &grown[i],
	    (r->n_approvers - i) * sizeof(*grown));
	grown[i] = *a;
	r->approvers = grown;
	r->n_approvers++;
	return true;
}

void
keyring_approver_remove(struct keyring *r, const char *name)
{
	struct approver *at = keyring_approver(r, name);
	size_t i;

	if (at == NULL)
		return;
	i = (size_t)(at - r->approvers);
	r->n_approvers--;
	memmove(at, at + 1, (r->n_approvers - i) * sizeof(*at));
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
	for (size_t i = 0; i < r->n_own; i++)
		if ((r->own[i]->purpose == PURPOSE_ROOT ||
		    r->own[i]->purpose == PURPOSE_ISSUING) &&
		    issued(r->own[i], k))
			return r->own[i];
	return NULL;
}

struct key *
keyring_ocsp(const struct keyring *r, const struct key *ca)
{
	for (size_t i = r->n_own; i-- > 0;)
		if (r->own[i]->purpose == PURPOSE_OCSP &&
		    issued(ca, r->own[i]))
			return r->own[i];
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
	pthread_mutex_init(&k->use->lock, NULL);
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
	c->der = c->spki = NULL;
	c->pkey = NULL;
	c->template = NULL;
	if ((k->spki != NULL && key_publish(c, (struct bytes){ k->spki,
	    k->spki_len }, NULL) != Q_OK) ||
	    (k->der != NULL && key_certify(c, (struct bytes){ k->der,
	    k->der_len }, ring->host, crl_port, NULL) != Q_OK)) {
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
	if (atomic_fetch_sub(&k->use->refs, 1) == 1) {
		pthread_mutex_destroy(&k->use->lock);
		free(k->use);
	}
	EVP_PKEY_free(k->pkey);
	cert_template_free(k->template);
	free(k->spki);
	free(k->der);
	free(k);
}

enum q_err
key_publish(struct key *k, struct bytes spki, struct fault *f)
{
	uint8_t *copy = malloc(spki.len);
	enum q_err r;

	if (copy == NULL)
		return Q_NOMEM;
	memcpy(copy, spki.p, spki.len);
	free(k->spki);
	k->spki = copy;
	k->spki_len = spki.len;
	r = pubkey_parse((struct bytes){ copy, spki.len }, &k->pub, f);
	EVP_PKEY_free(k->pkey);
	k->pkey = NULL;
	return r == Q_OK ? pubkey_load(&k->pub, &k->pkey, f) : r;
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
