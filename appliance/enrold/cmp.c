// SPDX-License-Identifier: Apache-2.0
/*
 * CMP messages come and go: who sent one, which transaction it belongs to,
 * and the way through OpenSSL's server. The label is the name of a batch.
 */
#include "config.h"

#include "enrold/cmp.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "enrold/token.h"
#include "signer/provider.h"
#include "x509/der.h"

#define CMP_TYPE "application/pkixcmp"
#define ANSWER_MAX (64 * 1024)

/* OpenSSL has much to say about messages that do not fit. */
static int
no_log(const char *func, const char *file, int line,
    OSSL_CMP_severity level, const char *text)
{
	(void)func;
	(void)file;
	(void)line;
	(void)level;
	(void)text;
	return 1;
}

static enum q_err
server_new(struct cmp_trans *t)
{
	OSSL_CMP_CTX *ctx;

	t->srv = OSSL_CMP_SRV_CTX_new(NULL, NULL);
	if (t->srv == NULL)
		return Q_NOMEM;
	ctx = OSSL_CMP_SRV_CTX_get0_cmp_ctx(t->srv);
	return OSSL_CMP_CTX_set_log_cb(ctx, no_log) == 1 ?
	    cmp_do_init(t->srv, t) : Q_NOMEM;
}

/* The transaction of a message; a new one also for what OpenSSL will refuse
 * because the one it belongs to is over, or was never there. */
static enum q_err
talk_begin(struct talk *k, const char *label)
{
	enum q_err r;

	if (!cmp_type_begins(k->m->type))
		k->t = cmp_trans_take(k->core->cmp, k->m->id);
	if (k->t != NULL)
		return Q_OK;
	r = cmp_trans_new(k->m, &k->t);
	if (r == Q_OK)
		r = server_new(k->t);
	if (r != Q_OK)
		return r;
	buf_put(&k->t->asked, k->m->der.p, k->m->der.len);
	snprintf(k->t->label, sizeof(k->t->label), "%s",
	    label != NULL ? label : "");
	return k->t->asked.bad ? Q_NOMEM : Q_OK;
}

/* Protected by a token's value: its name is in senderKID. */
static enum q_err
sender_by_token(struct talk *k, OSSL_CMP_CTX *ctx, struct fault *f)
{
	struct secret secret = { 0 };
	struct cmp_trans *t = k->t;
	char name[REC_NAME_MAX + 1];
	enum q_err r;

	if (k->m->kid.len == 0 || k->m->kid.len > REC_NAME_MAX ||
	    memchr(k->m->kid.p, '\0', k->m->kid.len) != NULL)
		return fault_set(f, Q_DENIED,
		    "senderKID is not the name of a token");
	snprintf(name, sizeof(name), "%.*s", (int)k->m->kid.len,
	    (const char *)k->m->kid.p);
	if (t->sender.len != 0 ||
	    (t->token[0] != '\0' && strcmp(t->token, name) != 0))
		return fault_set(f, Q_DENIED,
		    "the transaction is somebody else's");
	r = core_token_secret(k->core, name, k->rq->remote, &secret, f);
	if (r != Q_OK)
		return r;
	memcpy(t->token, name, sizeof(name));
	if (OSSL_CMP_CTX_set1_referenceValue(ctx, k->m->kid.p,
	    (int)k->m->kid.len) != 1 || OSSL_CMP_CTX_set1_secretValue(ctx,
	    secret.p, (int)secret.len) != 1)
		r = Q_NOMEM;
	secret_free(&secret);
	return r;
}

/* Protected by a signature: the certificate comes first in extraCerts (RFC
 * 9483 3.3), behind it what leads to its CA. Later messages may leave it
 * out. */
static enum q_err
sender_by_cert(struct talk *k, OSSL_CMP_CTX *ctx, struct fault *f)
{
	struct cmp_trans *t = k->t;
	struct bytes chain[CMP_CERTS_MAX] = { { NULL, 0 } };
	size_t n = k->m->n_certs != 0 ? k->m->n_certs : 1;
	const uint8_t *p;
	X509 *x;
	enum q_err r;

	memcpy(chain, k->m->certs, sizeof(chain));
	if (k->m->n_certs == 0)
		chain[0] = buf_bytes(&t->sender);
	if (chain[0].len == 0)
		return fault_set(f, Q_DENIED, "CMP message does not bring the "
		    "certificate that it is signed with");
	if (t->token[0] != '\0' || (t->sender.len != 0 &&
	    !bytes_equal(chain[0], buf_bytes(&t->sender))))
		return fault_set(f, Q_DENIED,
		    "the transaction is somebody else's");
	if (t->sender.len == 0)
		buf_put(&t->sender, chain[0].p, chain[0].len);
	if (t->sender.bad)
		return Q_NOMEM;
	chain[0] = buf_bytes(&t->sender);
	r = front_peer(k->core, chain, n, &k->fr->pki, &k->fr->peer, f);
	if (r != Q_OK)
		return r;
	p = t->sender.p;
	x = d2i_X509(NULL, &p, (long)t->sender.len);
	r = x != NULL && OSSL_CMP_CTX_set1_srvCert(ctx, x) == 1 ? Q_OK :
	    fault_set(f, Q_DENIED, "certificate of the CMP message is "
	    "malformed");
	X509_free(x);
	return r;
}

static enum q_err
talk_sender(struct talk *k, struct fault *f)
{
	OSSL_CMP_CTX *ctx = OSSL_CMP_SRV_CTX_get0_cmp_ctx(k->t->srv);

	switch (k->m->protection) {
	case CMP_MAC:
		return sender_by_token(k, ctx, f);
	case CMP_SIGNATURE:
		return sender_by_cert(k, ctx, f);
	default:
		return fault_set(f, Q_DENIED, "CMP message must be protected "
		    "by a signature or by a token's value");
	}
}

/* What leads from our certificate to roots of former times. */
static enum q_err
add_links(OSSL_CMP_CTX *ctx, const struct pki *pki)
{
	STACK_OF(X509) *list = sk_X509_new_null();
	bool good = list != NULL;

	for (size_t i = 0; i < pki->n && good; i++) {
		const struct pki_cert *c = &pki->certs[i];
		const uint8_t *p = c->der.p;
		X509 *x;

		if (c->purpose != PKI_LINK)
			continue;
		x = d2i_X509(NULL, &p, (long)c->der.len);
		good = x != NULL && sk_X509_push(list, x) > 0;
		if (!good)
			X509_free(x);
	}
	good = good && OSSL_CMP_CTX_set1_extraCertsOut(ctx, list) == 1;
	sk_X509_pop_free(list, X509_free);
	return good ? Q_OK : Q_NOMEM;
}

/* Answers to a MAC are made with the same secret; all others are signed. */
static enum q_err
talk_signer(struct talk *k, struct fault *f)
{
	OSSL_CMP_CTX *ctx = OSSL_CMP_SRV_CTX_get0_cmp_ctx(k->t->srv);
	const struct pki_cert *own = k->fr->pki->cmp;
	const uint8_t *p;
	EVP_PKEY *key = NULL;
	X509 *x;
	enum q_err r;

	if (own == NULL)
		return fault_retry(f, Q_UNAVAIL, 5,
		    "the appliance has no key for CMP yet");
	p = own->der.p;
	x = d2i_X509(NULL, &p, (long)own->der.len);
	r = x != NULL && OSSL_CMP_CTX_set1_cert(ctx, x) == 1 ? Q_OK :
	    Q_INTERNAL;
	X509_free(x);
	if (r != Q_OK || k->m->protection == CMP_MAC)
		return r;
	r = signer_provider_cmp_key(own->der.p, own->der.len, own->id, &key);
	if (r == Q_OK && OSSL_CMP_CTX_set1_pkey(ctx, key) != 1)
		r = Q_NOMEM;
	EVP_PKEY_free(key);
	return r == Q_OK ? add_links(ctx, k->fr->pki) : r;
}

/* Keep what the client will come back for. */
static void
talk_end(struct talk *k, int type)
{
	struct cmp_trans *t = k->t;
	OSSL_CMP_CTX *ctx = OSSL_CMP_SRV_CTX_get0_cmp_ctx(t->srv);
	bool waits = k->done && k->result == Q_WAIT;

	t->talk = NULL;
	/* Asked for again with the next message: it may not count then. */
	(void)!OSSL_CMP_CTX_set1_secretValue(ctx, NULL, 0);
	if (!waits && (!k->done || !t->given || type == CMP_ERROR ||
	    OSSL_CMP_CTX_get_option(ctx, OSSL_CMP_OPT_IMPLICIT_CONFIRM) == 1))
		return;
	cmp_trans_keep(k->core->cmp, t, CMP_TRANS_SECONDS +
	    (waits ? k->fault.retry_after : 0));
	k->t = NULL;
}

/* What went wrong in a way that another try may mend, and is better told by
 * HTTP: there, Retry-After is. */
static bool
is_passing(enum q_err r)
{
	static const enum q_err passing[] = { Q_UNAVAIL, Q_TIMEOUT, Q_BUSY,
		Q_INTERNAL, Q_NOMEM, Q_IO };

	for (size_t i = 0; i < ARRAY_LEN(passing); i++)
		if (passing[i] == r)
			return true;
	return false;
}

static enum q_err
message_put(const OSSL_CMP_MSG *msg, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n = 0;

	if (bio != NULL && i2d_OSSL_CMP_MSG_bio(bio, msg) > 0)
		n = BIO_get_mem_data(bio, &p);
	if (n > 0 && n <= ANSWER_MAX)
		buf_put(out, p, (size_t)n);
	BIO_free(bio);
	return n > 0 && n <= ANSWER_MAX && !out->bad ? Q_OK : Q_INTERNAL;
}

/* The answer that OpenSSL makes to a message whose protection is good. */
static enum q_err
talk_answer(struct talk *k, const OSSL_CMP_MSG *req, struct buf *out,
    struct fault *f)
{
	OSSL_CMP_MSG *rsp;
	enum q_err r;
	int type;

	/* The oldest error is what OpenSSL tells the client. */
	ERR_clear_error();
	k->t->talk = k;
	rsp = OSSL_CMP_SRV_process_request(k->t->srv, req);
	if (k->done && is_passing(k->result)) {
		OSSL_CMP_MSG_free(rsp);
		return fault_retry(f, k->result, k->fault.retry_after, "%s",
		    fault_text(&k->fault, k->result));
	}
	if (rsp == NULL)
		return fault_retry(f, Q_UNAVAIL, 2,
		    "the answer cannot be signed now");
	type = OSSL_CMP_MSG_get_bodytype(rsp);
	r = type == CMP_PKICONF && k->m->rejects ? cmp_do_rejected(k, f) :
	    Q_OK;
	if (r == Q_OK)
		r = message_put(rsp, out);
	OSSL_CMP_MSG_free(rsp);
	if (r == Q_OK)
		talk_end(k, type);
	return r;
}

/* OpenSSL collects what messages bring, and a client that polls may send
 * many. */
static void
forget_certs(const OSSL_CMP_CTX *ctx)
{
	STACK_OF(X509) *list = OSSL_CMP_CTX_get0_untrusted(ctx);

	while (sk_X509_num(list) > 0)
		X509_free(sk_X509_pop(list));
}

/* No signature of ours for who has not proved anything: errors before that
 * are told by HTTP. */
static enum q_err
talk_run(struct talk *k, struct buf *out, struct fault *f)
{
	OSSL_CMP_CTX *ctx = OSSL_CMP_SRV_CTX_get0_cmp_ctx(k->t->srv);
	BIO *bio = BIO_new_mem_buf(k->m->der.p, (int)k->m->der.len);
	OSSL_CMP_MSG *req = bio != NULL ?
	    d2i_OSSL_CMP_MSG_bio(bio, NULL) : NULL;
	enum q_err r = Q_OK;

	BIO_free(bio);
	if (req == NULL)
		r = fault_set(f, Q_PROTO, "CMP message is malformed");
	forget_certs(ctx);
	if (r == Q_OK)
		r = talk_sender(k, f);
	if (r == Q_OK && OSSL_CMP_validate_msg(ctx, req) != 1) {
		r = fault_set(f, Q_DENIED,
		    "protection of the CMP message does not verify");
		if (k->m->protection == CMP_MAC)
			core_token_failed(k->core, k->t->token,
			    k->rq->remote);
	}
	if (r == Q_OK)
		r = talk_signer(k, f);
	/* Others must not be able to end it. */
	if (r != Q_OK && k->t->until_ms != 0) {
		cmp_trans_keep(k->core->cmp, k->t, 0);
		k->t = NULL;
	}
	if (r == Q_OK)
		r = talk_answer(k, req, out, f);
	OSSL_CMP_MSG_free(req);
	ERR_clear_error();
	return r;
}

static enum q_err
cmp_answer(struct core *core, const struct http_request *rq,
    const char *label, struct http_response *rs, struct fault *f)
{
	AUTO_FRONT struct front fr = { 0 };
	struct cmp_msg m;
	struct talk k = { .core = core, .rq = rq, .fr = &fr, .m = &m };
	enum q_err r;

	if (strcmp(rq->content_type, CMP_TYPE) != 0)
		return fault_set(f, Q_TYPE, "content type must be " CMP_TYPE);
	if (label != NULL && strlen(label) > REC_NAME_MAX)
		return fault_set(f, Q_NOTFOUND, "no batch %.64s", label);
	r = cmp_msg_parse(rq->body, &m, f);
	/* Where a token only counts beside a certificate, TLS shows that. */
	k.live = r == Q_OK && m.protection == CMP_MAC && rq->peer_cert != NULL;
	if (r == Q_OK)
		r = front_begin(core, rq, k.live, &fr, f);
	if (r == Q_OK)
		r = talk_begin(&k, label);
	if (r == Q_OK)
		r = talk_run(&k, &rs->body, f);
	cmp_trans_free(k.t);
	rs->content_type = CMP_TYPE;
	/* openssl cmp trusts a connection to be there when it asks again. */
	rs->close = k.done && k.result == Q_WAIT;
	return r;
}

/* The last segment of a path (RFC 9483 6.1) says nothing that the message
 * does not; but it must be one that there is. */
static enum q_err
check_operation(const char *op, struct fault *f)
{
	static const char *const known[] = { "initialization",
		"certification", "keyupdate", "pkcs10", "revocation",
		"getcacerts", "getrootupdate", "getcertreqtemplate",
		"getcrls" };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(known[i], op) == 0)
			return Q_OK;
	return fault_set(f, Q_NOTFOUND, "no CMP operation %.32s", op);
}

static enum q_err
cmp_plain(void *ctx, const struct http_request *rq, struct http_response *rs,
    struct fault *f)
{
	return cmp_answer(ctx, rq, NULL, rs, f);
}

static enum q_err
cmp_operation(void *ctx, const struct http_request *rq,
    struct http_response *rs, struct fault *f)
{
	enum q_err r = check_operation(rq->param[0], f);

	return r == Q_OK ? cmp_answer(ctx, rq, NULL, rs, f) : r;
}

static enum q_err
cmp_labelled(void *ctx, const struct http_request *rq,
    struct http_response *rs, struct fault *f)
{
	enum q_err r = rq->param[1] != NULL ?
	    check_operation(rq->param[1], f) : Q_OK;

	return r == Q_OK ? cmp_answer(ctx, rq, rq->param[0], rs, f) : r;
}

#define CMP "/.well-known/cmp"

const struct http_route cmp_routes[CMP_ROUTES] = {
	{ "POST", CMP, cmp_plain, 0, 0, CMP_MESSAGE_MAX },
	{ "POST", CMP "/{op}", cmp_operation, 0, 0, CMP_MESSAGE_MAX },
	{ "POST", CMP "/p/{label}", cmp_labelled, 0, 0, CMP_MESSAGE_MAX },
	{ "POST", CMP "/p/{label}/{op}", cmp_labelled, 0, 0,
	    CMP_MESSAGE_MAX },
	{ "POST", "/pkix/", cmp_plain, 0, 0, CMP_MESSAGE_MAX },
};
