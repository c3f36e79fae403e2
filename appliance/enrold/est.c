// SPDX-License-Identifier: Apache-2.0
/*
 * EST (RFC 7030 with RFC 8951). The label is the name of a batch.
 */
#include "config.h"

#include <openssl/crypto.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "enrold/front.h"
#include "x509/pkcs7.h"

#define EST_ANSWER_MAX (1024 * 1024)
#define EST_CAS_MAX 256
#define EST_COLUMNS 64
#define CERTS_ONLY "application/pkcs7-mime; smime-type=certs-only"
#define BOUNDARY "estServerKeyGenBoundary"

/* DER in base64 (RFC 8951 3.1). The header means nothing any more, but there
 * are clients that do without an answer rather than without it. */
static enum q_err
est_answer(struct bytes der, const char *type, struct http_response *rs)
{
	b64_encode(&rs->body, der.p, der.len, EST_COLUMNS);
	http_response_header(rs, "Content-Transfer-Encoding", "base64");
	rs->content_type = type;
	return Q_OK;
}

/* certs-only (RFC 7030 4.1.3). */
static enum q_err
certs_answer(const struct bytes *certs, size_t n, struct http_response *rs)
{
	AUTO_BUF struct buf der = BUF_INIT(EST_ANSWER_MAX);

	pkcs7_certs_only(certs, n, &der);
	if (der.bad)
		return Q_NOMEM;
	return est_answer(buf_bytes(&der), CERTS_ONLY, rs);
}

static enum q_err
label_policy(struct core *core, const char *label, struct rec_batch *batch,
    struct fault *f)
{
	enum q_err r = cache_batch(core->cache, label, false, batch, f);

	if (r == Q_NOTFOUND || r == Q_INVALID)
		return fault_set(f, Q_NOTFOUND, "no batch %.64s", label);
	return r;
}

static enum q_err
est_cacerts(void *ctx, const struct http_request *rq,
    struct http_response *rs, struct fault *f)
{
	struct core *core = ctx;
	AUTO_FRONT struct front fr = { 0 };
	const char *label = rq->param[0];
	struct bytes certs[EST_CAS_MAX];
	struct rec_batch batch;
	size_t n = 0;
	enum q_err r = front_begin(core, rq, false, &fr, f);

	if (r == Q_OK && label != NULL)
		r = label_policy(core, label, &batch, f);
	if (r != Q_OK)
		return r;
	/* Newest first; no room is left for very old ones. */
	while (n < fr.pki->n_path) {
		certs[n] = buf_bytes(&fr.pki->path[n]->der);
		n++;
	}
	for (size_t i = fr.pki->n; i-- > 0 && n < EST_CAS_MAX;) {
		const struct pki_cert *c = &fr.pki->certs[i];

		if (c->pkey != NULL && c->cert.not_after >= clock_wall() &&
		    (label == NULL || strcmp(c->policy, batch.policy) == 0))
			certs[n++] = buf_bytes(&c->der);
	}
	return certs_answer(certs, n, rs);
}

static enum q_err
est_csrattrs(void *ctx, const struct http_request *rq,
    struct http_response *rs, struct fault *f)
{
	struct rec_batch batch;

	if (rq->param[0] != NULL) {
		enum q_err r = label_policy(ctx, rq->param[0], &batch, f);

		if (r != Q_OK)
			return r;
	}
	return est_answer(csr_attrs(false), "application/csrattrs", rs);
}

/* RFC 7030 4.4.2; each part with the header that clients of it look for. */
static enum q_err
key_answer(struct bytes key, struct bytes cert, struct http_response *rs)
{
	AUTO_BUF struct buf p7 = BUF_INIT(EST_ANSWER_MAX);
	static const char part[] = "\r\n--" BOUNDARY "\r\nContent-Type: %s\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\n";

	pkcs7_certs_only(&cert, 1, &p7);
	rs->secret = true;
	buf_printf(&rs->body, part, "application/pkcs8");
	b64_encode(&rs->body, key.p, key.len, EST_COLUMNS);
	buf_printf(&rs->body, part, CERTS_ONLY);
	b64_encode(&rs->body, p7.p, p7.len, EST_COLUMNS);
	buf_puts(&rs->body, "\r\n--" BOUNDARY "--\r\n");
	rs->content_type = "multipart/mixed; boundary=" BOUNDARY;
	return p7.bad || rs->body.bad ? Q_NOMEM : Q_OK;
}

static enum q_err
enrol_answer_put(struct enrol_answer *a, struct http_response *rs)
{
	struct bytes cert = buf_bytes(&a->cert);
	enum q_err r = a->key.p != NULL ? key_answer((struct bytes){
	    a->key.p, a->key.len }, cert, rs) : certs_answer(&cert, 1, rs);

	secret_free(&a->key);
	buf_free(&a->cert);
	return r;
}

enum est_op { SIMPLEENROLL, SIMPLEREENROLL, SERVERKEYGEN };

static enum q_err
est_enrol(struct core *core, const struct http_request *rq, enum est_op op,
    struct http_response *rs, struct fault *f)
{
	AUTO_FRONT struct front fr = { 0 };
	AUTO_BUF struct buf csr = BUF_INIT(CSR_DER_MAX);
	struct enrol_ask ask = { .label = rq->param[0],
		.reenrol = op == SIMPLEREENROLL, .from = rq->remote,
		.server_key = op == SERVERKEYGEN };
	struct enrol_answer a = { 0 };
	char token[FRONT_TOKEN_SIZE];
	enum q_err r;

	if (strcmp(rq->content_type, "application/pkcs10") != 0)
		return fault_set(f, Q_TYPE,
		    "content type must be application/pkcs10");
	r = csr_text_decode(rq->body, &csr, f);
	if (r == Q_OK)
		r = front_token(rq, token, &ask.token, f);
	if (r == Q_OK)
		r = front_begin(core, rq, true, &fr, f);
	if (r != Q_OK)
		return r;
	ask.csr = buf_bytes(&csr);
	ask.binding = front_binding(rq, &fr);
	r = core_enrol(core, &fr.peer, &ask, &a, f);
	OPENSSL_cleanse(token, sizeof(token));
	/* That one certificate and nothing else (RFC 7030 4.2.3). */
	return r == Q_OK ? enrol_answer_put(&a, rs) : r;
}

static enum q_err
est_simpleenroll(void *ctx, const struct http_request *rq,
    struct http_response *rs, struct fault *f)
{
	return est_enrol(ctx, rq, SIMPLEENROLL, rs, f);
}

static enum q_err
est_simplereenroll(void *ctx, const struct http_request *rq,
    struct http_response *rs, struct fault *f)
{
	return est_enrol(ctx, rq, SIMPLEREENROLL, rs, f);
}

static enum q_err
est_serverkeygen(void *ctx, const struct http_request *rq,
    struct http_response *rs, struct fault *f)
{
	return est_enrol(ctx, rq, SERVERKEYGEN, rs, f);
}

#define EST "/.well-known/est/"

const struct http_route est_routes[EST_ROUTES] = {
	{ "GET", EST "cacerts", est_cacerts, 0, 0, 0 },
	{ "GET", EST "csrattrs", est_csrattrs, 0, 0, 0 },
	{ "POST", EST "simpleenroll", est_simpleenroll, 0, 0, 0 },
	{ "POST", EST "simplereenroll", est_simplereenroll, 0, 0, 0 },
	{ "POST", EST "serverkeygen", est_serverkeygen, 0, 0, 0 },
	{ "GET", EST "{label}/cacerts", est_cacerts, 0, 0, 0 },
	{ "GET", EST "{label}/csrattrs", est_csrattrs, 0, 0, 0 },
	{ "POST", EST "{label}/simpleenroll", est_simpleenroll, 0, 0, 0 },
	{ "POST", EST "{label}/simplereenroll", est_simplereenroll, 0, 0, 0 },
	{ "POST", EST "{label}/serverkeygen", est_serverkeygen, 0, 0, 0 },
};
