// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "enrold/front.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "enrold/authcert.h"
#include "enrold/token.h"

_Static_assert(FRONT_TOKEN_SIZE == TOKEN_TEXT_MAX + 1, "size of a token");

/* A CA made a moment ago may have issued the certificate: who would be
 * refused is judged by a list of signd's that is no older than this. */
#define LIST_MS 250

static enum q_err
peer_of(struct core *core, const struct pki *pki, const struct bytes *chain,
    size_t n, struct peer *ret_peer, struct fault *f)
{
	struct bytes none = { NULL, 0 };
	enum q_err r = peer_identify(pki, n != 0 ? chain[0] : none, ret_peer,
	    f);

	return r == Q_DENIED ? authcerts_identify(core->authcerts, chain, n,
	    ret_peer, f) : r;
}

enum q_err
front_peer(struct core *core, const struct bytes *chain, size_t n,
    struct pki **pki, struct peer *ret_peer, struct fault *f)
{
	enum q_err r = peer_of(core, *pki, chain, n, ret_peer, f);
	uint64_t judged_by = (*pki)->generation;

	if (r != Q_DENIED || pki_refresh(core->pki, LIST_MS, NULL) != Q_OK)
		return r;
	pki_drop(pki);
	if (pki_hold(core->pki, pki, f) != Q_OK ||
	    (*pki)->generation == judged_by)
		return r;
	return peer_of(core, *pki, chain, n, ret_peer, f);
}

/* One more certificate into fr->certs. Pointers are set when all are in. */
static bool
cert_take(struct front *fr, X509 *x, struct bytes *ret_cert)
{
	uint8_t *der = NULL;
	int n = i2d_X509(x, &der);

	if (n > 0)
		buf_put(&fr->certs, der, (size_t)n);
	OPENSSL_free(der);
	ret_cert->len = n > 0 ? (size_t)n : 0;
	return n > 0 && !fr->certs.bad;
}

/* What TLS showed, the device's own certificate first. A resumed session
 * has no more than that one; who sends more does not resume: http/tls.c. */
static enum q_err
certs_take(const struct http_request *rq, struct front *fr,
    struct bytes chain[AUTHCERT_CHAIN_MAX], size_t *ret_n, struct fault *f)
{
	STACK_OF(X509) *others = SSL_get_peer_cert_chain(rq->ssl);
	int more = others != NULL ? sk_X509_num(others) : 0;
	size_t n = 0, at = 0;

	if (more >= AUTHCERT_CHAIN_MAX)
		return fault_set(f, Q_DENIED, "more than %d client "
		    "certificates", AUTHCERT_CHAIN_MAX);
	fr->certs = (struct buf)BUF_INIT(AUTHCERT_CHAIN_MAX * CERT_PARSE_MAX);
	if (!cert_take(fr, rq->peer_cert, &chain[n++]))
		return fault_set(f, Q_DENIED, "client certificate is too big");
	for (int i = 0; i < more; i++)
		if (!cert_take(fr, sk_X509_value(others, i), &chain[n++]))
			return fault_set(f, Q_DENIED,
			    "client certificates are too big");
	for (size_t i = 0; i < n; at += chain[i++].len)
		chain[i].p = fr->certs.p + at;
	*ret_n = n;
	return Q_OK;
}

/* The verdict on a connection's certificate, kept with it. About devices' own
 * ones it changes with the list of our CAs only; Auth Certs are asked about
 * each time. */
struct known {
	uint64_t generation;
	struct buf certs; /* peer points into it */
	struct peer peer;
};

static void
known_free(void *p)
{
	struct known *k = p;

	buf_free(&k->certs);
	free(k);
}

static bool
known_get(const struct http_slot *slot, struct front *fr)
{
	const struct known *k = slot->p;

	if (k == NULL || k->generation != fr->pki->generation)
		return false;
	fr->peer = k->peer;
	return true;
}

/* Takes fr->certs over; without memory nothing is kept. */
static void
known_put(struct http_slot *slot, struct front *fr)
{
	struct known *k;

	if (fr->peer.kind != PEER_SELF && fr->peer.kind != PEER_OURS)
		return;
	k = malloc(sizeof(*k));
	if (k == NULL)
		return;
	*k = (struct known){ fr->pki->generation, fr->certs, fr->peer };
	fr->certs = (struct buf)BUF_INIT(0);
	if (slot->p != NULL)
		slot->release(slot->p);
	*slot = (struct http_slot){ k, known_free };
}

enum q_err
front_begin(struct core *core, const struct http_request *rq, bool need_peer,
    struct front *fr, struct fault *f)
{
	struct bytes chain[AUTHCERT_CHAIN_MAX];
	size_t n = 0;
	enum q_err r = pki_hold(core->pki, &fr->pki, f);

	if (r != Q_OK || !need_peer || known_get(rq->slot, fr))
		return r;
	if (rq->peer_cert != NULL)
		r = certs_take(rq, fr, chain, &n, f);
	if (r == Q_OK)
		r = front_peer(core, chain, n, &fr->pki, &fr->peer, f);
	if (r == Q_OK)
		known_put(rq->slot, fr);
	return r;
}

void
front_end(struct front *fr)
{
	pki_drop(&fr->pki);
	buf_free(&fr->certs);
}

enum q_err
front_token(const struct http_request *rq, char text[FRONT_TOKEN_SIZE],
    const char **ret_token, struct fault *f)
{
	enum q_err r = token_of_header(http_header(rq, "Authorization"), text,
	    f);

	if (r == Q_OK || r == Q_NOTFOUND)
		*ret_token = r == Q_OK ? text : NULL;
	return r == Q_NOTFOUND ? Q_OK : r;
}

const char *
front_binding(const struct http_request *rq, struct front *fr)
{
	enum http_binding kind = SSL_version(rq->ssl) >= TLS1_3_VERSION ?
	    HTTP_TLS_EXPORTER : HTTP_TLS_UNIQUE;
	AUTO_BUF struct buf text = BUF_INIT(sizeof(fr->binding) - 1);
	uint8_t raw[HTTP_BINDING_MAX];
	size_t n;

	if (http_channel_binding(rq, kind, raw, &n) != Q_OK)
		return NULL;
	b64_encode(&text, raw, n, 0);
	if (text.bad)
		return NULL;
	snprintf(fr->binding, sizeof(fr->binding), "%s",
	    (const char *)text.p);
	return fr->binding;
}
