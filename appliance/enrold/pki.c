// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "enrold/pki.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "x509/der.h"
#include "x509/pem.h"

#define PKI_CERTS_MAX 65536

struct pki_box {
	struct wire_client *signd;
	pthread_mutex_t lock;	/* of now */
	struct pki *now;
	pthread_mutex_t asking;	/* one thread at a time asks signd */
	int64_t asked_ms;	/* when that was, asking held */
};

/* All snapshots' reference counts. */
static pthread_mutex_t refs_lock = PTHREAD_MUTEX_INITIALIZER;

static void
pki_free(struct pki *pki)
{
	for (size_t i = 0; i < pki->n; i++) {
		buf_free(&pki->certs[i].der);
		EVP_PKEY_free(pki->certs[i].pkey);
	}
	free(pki->certs);
	buf_free(&pki->root_pem);
	buf_free(&pki->path_pem);
	free(pki);
}

void
pki_drop(struct pki **pki)
{
	bool last;

	if (*pki == NULL)
		return;
	pthread_mutex_lock(&refs_lock);
	last = --(*pki)->refs == 0;
	pthread_mutex_unlock(&refs_lock);
	if (last)
		pki_free(*pki);
	*pki = NULL;
}

static struct pki *
pki_ref(struct pki *pki)
{
	pthread_mutex_lock(&refs_lock);
	pki->refs++;
	pthread_mutex_unlock(&refs_lock);
	return pki;
}

enum q_err
pki_box_new(struct wire_client *signd, struct pki_box **ret_box)
{
	struct pki_box *box = calloc(1, sizeof(*box));

	if (box == NULL)
		return Q_NOMEM;
	box->signd = signd;
	pthread_mutex_init(&box->lock, NULL);
	pthread_mutex_init(&box->asking, NULL);
	*ret_box = box;
	return Q_OK;
}

void
pki_box_free(struct pki_box *box)
{
	if (box == NULL)
		return;
	pki_drop(&box->now);
	pthread_mutex_destroy(&box->lock);
	pthread_mutex_destroy(&box->asking);
	free(box);
}

/* What signer_certs shows, one by one. */
struct collect {
	struct pki *pki;
	size_t cap;
	struct fault *f;
};

static const struct {
	const char *name;
	bool old; /* also those that were replaced */
} purposes[] = {
	[PKI_ISSUING] = { "issuing", true },
	[PKI_ROOT] = { "root", true },
	[PKI_LINK] = { "root-link", true },
	[PKI_TLS] = { "tls-device", false },
	[PKI_CMP] = { "cmp", false },
	[PKI_OCSP] = { "ocsp", true },
};

static enum q_err
cert_take(const struct signd_cert *in, struct pki_cert *out, struct fault *f)
{
	enum q_err r;

	snprintf(out->id, sizeof(out->id), "%s", in->id);
	snprintf(out->policy, sizeof(out->policy), "%s", in->policy);
	out->active = strcmp(in->state, "active") == 0;
	out->generation = in->generation;
	out->crl_number = in->crl_number;
	out->der = (struct buf)BUF_INIT(SIGND_CERT_MAX);
	buf_put(&out->der, in->cert.p, in->cert.len);
	if (out->der.bad)
		return Q_NOMEM;
	r = cert_parse(buf_bytes(&out->der), &out->cert, f);
	if (r == Q_OK)
		r = pubkey_parse(out->cert.spki, &out->key, f);
	if (r == Q_OK && (out->purpose == PKI_ISSUING ||
	    out->purpose == PKI_OCSP))
		ocsp_issuer_of(out->cert.subject, &out->key, &out->ids);
	if (r == Q_OK && out->purpose == PKI_ISSUING)
		r = pubkey_load(&out->key, &out->pkey, f);
	return r;
}

static enum q_err
collect_one(void *arg, const struct signd_cert *in)
{
	struct collect *c = arg;
	struct pki *pki = c->pki;
	size_t purpose = 0;

	while (purpose < ARRAY_LEN(purposes) &&
	    strcmp(in->purpose, purposes[purpose].name) != 0)
		purpose++;
	if (purpose == ARRAY_LEN(purposes) || (!purposes[purpose].old &&
	    strcmp(in->state, "active") != 0))
		return Q_OK;
	if (pki->n == c->cap) {
		size_t cap = c->cap * 2 + 8;
		struct pki_cert *grown = cap > PKI_CERTS_MAX ? NULL :
		    reallocarray(pki->certs, cap, sizeof(*grown));

		if (grown == NULL)
			return Q_NOMEM;
		pki->certs = grown;
		c->cap = cap;
	}
	memset(&pki->certs[pki->n], 0, sizeof(*pki->certs));
	pki->certs[pki->n].purpose = (enum pki_purpose)purpose;
	return cert_take(in, &pki->certs[pki->n++], c->f);
}

bool
pki_link_is_new(const struct pki *pki, const struct pki_cert *link)
{
	for (size_t i = 0; i < pki->n; i++) {
		const struct pki_cert *c = &pki->certs[i];

		if (c->purpose == PKI_ROOT &&
		    bytes_equal(c->cert.ski, link->cert.aki))
			return c->generation < link->generation;
	}
	return false;
}

static void
ocsp_index(struct pki *pki, const struct pki_cert *responder)
{
	for (size_t i = 0; i < pki->n; i++)
		if (pki->certs[i].purpose == PKI_ISSUING &&
		    bytes_equal(pki->certs[i].cert.ski, responder->cert.aki))
			pki->certs[i].ocsp = responder;
}

/* Newest first. */
static void
path_add(struct pki *pki, enum pki_purpose purpose, bool new)
{
	for (size_t i = pki->n; i-- > 0 && pki->n_path < PKI_PATH_MAX;) {
		const struct pki_cert *c = &pki->certs[i];

		if (c->purpose != purpose || c->cert.not_after < clock_wall() ||
		    pki_link_is_new(pki, c) != new)
			continue;
		pki->path[pki->n_path++] = c;
		pki->path_pem.max += 2 * SIGND_CERT_MAX;
		pem_encode(&pki->path_pem, PEM_CERTIFICATE,
		    buf_bytes(&c->der));
	}
}

/* The array does not move any more: point into it. */
static void
pki_index(struct pki *pki)
{
	for (size_t i = 0; i < pki->n; i++) {
		struct pki_cert *c = &pki->certs[i];

		if (c->purpose == PKI_ROOT && c->active)
			pki->root = c;
		else if (c->purpose == PKI_TLS)
			pki->tls = c;
		else if (c->purpose == PKI_CMP)
			pki->cmp = c;
		else if (c->purpose == PKI_OCSP && c->active)
			ocsp_index(pki, c);
	}
	pki->root_pem = (struct buf)BUF_INIT(2 * SIGND_CERT_MAX);
	if (pki->root != NULL)
		pem_encode(&pki->root_pem, PEM_CERTIFICATE,
		    buf_bytes(&pki->root->der));
	path_add(pki, PKI_LINK, true);
	path_add(pki, PKI_LINK, false);
	path_add(pki, PKI_ROOT, false);
}

static enum q_err
pki_load(struct wire_client *signd, const struct signd_status_rsp *st,
    struct pki **ret_pki, struct fault *f)
{
	struct pki *pki = calloc(1, sizeof(*pki));
	struct collect c = { .pki = pki, .f = f };
	enum q_err r;

	if (pki == NULL)
		return Q_NOMEM;
	pki->refs = 1;
	pki->generation = st->generation;
	snprintf(pki->host, sizeof(pki->host), "%s", st->host);
	r = signer_certs(signd, collect_one, &c, f);
	if (r != Q_OK) {
		pki_drop(&pki);
		return r;
	}
	pki_index(pki);
	*ret_pki = pki;
	return Q_OK;
}

static uint64_t
generation_now(struct pki_box *box)
{
	uint64_t g;

	pthread_mutex_lock(&box->lock);
	g = box->now != NULL ? box->now->generation : UINT64_MAX;
	pthread_mutex_unlock(&box->lock);
	return g;
}

static enum q_err
pki_ask(struct pki_box *box, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct signd_status_req req = { 0 };
	struct signd_status_rsp st;
	struct pki *fresh = NULL, *stale;
	enum q_err r = signd_status(box->signd, &req, &st, &hold, f);

	if (r != Q_OK)
		return r;
	if (st.generation == generation_now(box))
		return Q_OK;
	r = pki_load(box->signd, &st, &fresh, f);
	if (r != Q_OK)
		return r;
	pthread_mutex_lock(&box->lock);
	stale = box->now;
	box->now = fresh;
	pthread_mutex_unlock(&box->lock);
	pki_drop(&stale);
	return Q_OK;
}

enum q_err
pki_refresh(struct pki_box *box, int64_t max_age_ms, struct fault *f)
{
	enum q_err r = Q_OK;

	pthread_mutex_lock(&box->asking);
	if (box->asked_ms == 0 ||
	    clock_mono_ms() - box->asked_ms >= max_age_ms) {
		r = pki_ask(box, f);
		if (r == Q_OK)
			box->asked_ms = clock_mono_ms();
	}
	pthread_mutex_unlock(&box->asking);
	return r;
}

enum q_err
pki_hold(struct pki_box *box, struct pki **ret_pki, struct fault *f)
{
	struct pki *pki = NULL;

	if (generation_now(box) == UINT64_MAX) {
		enum q_err r = pki_refresh(box, 0, f);

		if (r != Q_OK)
			return r;
	}
	pthread_mutex_lock(&box->lock);
	if (box->now != NULL)
		pki = pki_ref(box->now);
	pthread_mutex_unlock(&box->lock);
	if (pki == NULL || pki->root == NULL) {
		pki_drop(&pki);
		return fault_retry(f, Q_UNAVAIL, 5,
		    "the appliance has no PKI yet");
	}
	*ret_pki = pki;
	return Q_OK;
}

struct pki_cert *
pki_find(const struct pki *pki, const char *id)
{
	for (size_t i = 0; i < pki->n; i++)
		if (strcmp(pki->certs[i].id, id) == 0)
			return &pki->certs[i];
	return NULL;
}

struct pki_cert *
pki_issuing(const struct pki *pki, const char *policy)
{
	for (size_t i = pki->n; i-- > 0;) {
		struct pki_cert *c = &pki->certs[i];

		if (c->pkey != NULL && c->active &&
		    strcmp(c->policy, policy) == 0)
			return c;
	}
	return NULL;
}

struct pki_cert *
pki_responder(const struct pki *pki, const struct pki_cert *ca,
    const char *id)
{
	for (size_t i = 0; i < pki->n; i++) {
		struct pki_cert *c = &pki->certs[i];

		if (c->purpose == PKI_OCSP && strcmp(c->id, id) == 0)
			return bytes_equal(c->cert.aki, ca->cert.ski) &&
			    c->cert.not_after > clock_wall() ? c : NULL;
	}
	return NULL;
}
