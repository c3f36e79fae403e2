// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "webd/admintls.h"

#include <string.h>

#include "base/own.h"
#include "x509/pem.h"

/* The own certificate and the links that lead to older roots come from one
 * list, the certificate before or behind the links. */
struct own {
	struct admintls *tls;
	struct buf links;
};

static enum q_err
own_take(void *arg, const struct signd_cert *c)
{
	struct own *o = arg;

	if (strcmp(c->purpose, "root-link") == 0)
		pem_encode(&o->links, PEM_CERTIFICATE, c->cert);
	if (strcmp(c->purpose, "tls-admin") != 0 ||
	    strcmp(c->state, "active") != 0)
		return Q_OK;
	buf_reset(&o->tls->leaf);
	buf_put(&o->tls->leaf, c->cert.p, c->cert.len);
	snprintf(o->tls->key, sizeof(o->tls->key), "%s", c->id);
	return Q_OK;
}

enum q_err
admintls_current(struct web *w, struct admintls *ret_tls, struct fault *f)
{
	struct own o = { .tls = ret_tls,
		.links = BUF_INIT(32 * SIGND_CERT_MAX) };
	enum q_err r;

	ret_tls->chain = (struct buf)BUF_INIT(64 * SIGND_CERT_MAX);
	ret_tls->leaf = (struct buf)BUF_INIT(SIGND_CERT_MAX);
	r = signer_certs(w->signd, own_take, &o, f);
	if (r == Q_OK && ret_tls->leaf.len == 0)
		r = fault_retry(f, Q_UNAVAIL, 1,
		    "the administration has no certificate yet");
	if (r == Q_OK) {
		pem_encode(&ret_tls->chain, PEM_CERTIFICATE,
		    buf_bytes(&ret_tls->leaf));
		buf_put(&ret_tls->chain, o.links.p, o.links.len);
		r = ret_tls->chain.bad || o.links.bad ? Q_TOOBIG : Q_OK;
	}
	buf_free(&o.links);
	if (r != Q_OK)
		admintls_free(ret_tls);
	return r;
}

void
admintls_free(struct admintls *t)
{
	buf_free(&t->chain);
	buf_free(&t->leaf);
}
