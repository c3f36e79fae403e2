// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "enrold/front.h"

#include <openssl/ssl.h>
#include <stdio.h>

#include "base/codec.h"

/* A CA made a moment ago may have issued the certificate: who would be
 * refused is judged by a list of signd's that is no older than this. */
#define LIST_MS 250

static enum q_err
identify(struct core *core, struct front *fr, struct bytes der,
    struct fault *f)
{
	enum q_err r = peer_identify(fr->pki, der, &fr->peer, f);
	uint64_t judged_by = fr->pki->generation;

	if (r != Q_DENIED || pki_refresh(core->pki, LIST_MS, NULL) != Q_OK)
		return r;
	pki_drop(&fr->pki);
	if (pki_hold(core->pki, &fr->pki, f) != Q_OK ||
	    fr->pki->generation == judged_by)
		return r;
	return peer_identify(fr->pki, der, &fr->peer, f);
}

enum q_err
front_begin(struct core *core, const struct http_request *rq, bool need_peer,
    struct front *fr, struct fault *f)
{
	struct bytes der = { NULL, 0 };
	enum q_err r = pki_hold(core->pki, &fr->pki, f);

	if (r != Q_OK || !need_peer)
		return r;
	if (rq->peer_cert != NULL) {
		int n = i2d_X509(rq->peer_cert, &fr->peer_der);

		if (n < 0)
			return Q_NOMEM;
		der = (struct bytes){ fr->peer_der, (size_t)n };
	}
	return identify(core, fr, der, f);
}

void
front_end(struct front *fr)
{
	pki_drop(&fr->pki);
	OPENSSL_free(fr->peer_der);
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
