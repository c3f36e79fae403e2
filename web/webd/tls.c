// SPDX-License-Identifier: Apache-2.0
/* The certificate of the administration's page: requested for a key in the
 * token, handed in, dropped. */
#include "config.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "signer/provider.h"
#include "webd/admintls.h"
#include "webd/hsm.h"
#include "webd/pages.h"
#include "x509/cert_parse.h"
#include "x509/cert_text.h"
#include "x509/csr.h"
#include "x509/pem.h"
#include "x509/server_chain.h"

#define CHAIN_TEXT_MAX 65536
#define IPS_MAX 20

static SHAPE(cert_shape, "PageCertificate",
    { "sans", SHAPE_STRS, 0, 253, SHAPE_NEED, "host names and IP addresses",
	.many = 200 },
    HSM_CERT_FIELDS,
);

static SHAPE(tls_shape, "PageTls",
    { "certificate", SHAPE_OBJ, 0, 0, SHAPE_NEED,
	"that new connections are shown", NULL, &cert_shape },
    { "own", SHAPE_BOOL, 0, 0, SHAPE_NEED,
	"it is the appliance's, not the company's" },
    { "csr_pending", SHAPE_BOOL, 0, 0, SHAPE_NEED,
	"one was requested and not handed in" },
);

static SHAPE(request_shape, "PageCsrCreate",
    { "host", SHAPE_STR, 0, SIGND_HOST_MAX, 0,
	"name that people type; absent: the appliance's" },
    { "ips", SHAPE_STRS, 1, 45, 0, "and its IP addresses", .many = IPS_MAX },
);

static SHAPE(csr_shape, "PageCsr",
    { "csr", SHAPE_TEXT, 0, 16384, SHAPE_NEED, "PKCS #10, PEM" },
);

static SHAPE(chain_shape, "PageChain",
    { "chain", SHAPE_TEXT, 1, CHAIN_TEXT_MAX, SHAPE_NEED,
	"the certificate, then those of the CAs above it, PEM" },
);

static struct json_object *
cert_json(struct bytes der)
{
	AUTO_BUF struct buf names = BUF_INIT(65536);
	struct json_object *o = web_object();
	struct cert cert;

	if (cert_parse(der, &cert, NULL) == Q_OK)
		cert_names_text(&cert, &names);
	web_put_obj(o, "sans", hsm_words_json(names.p != NULL
	    ? (const char *)names.p : ""));
	hsm_cert_put(o, der);
	return o;
}

static enum q_err
tls_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	AUTO_COMPANY struct company company = { 0 };
	struct json_object *o;
	struct admintls t;
	enum q_err r = company_read(c->web, &company, f);

	if (r == Q_OK)
		r = admintls_current(c->web, &t, f);
	if (r != Q_OK)
		return r;
	o = web_object();
	web_put_obj(o, "certificate", cert_json(buf_bytes(&t.leaf)));
	web_put_bool(o, "own", t.own);
	web_put_bool(o, "csr_pending", company.pending);
	admintls_free(&t);
	return web_reply(rs, 200, o);
}

/* --- the request -------------------------------------------------------- */

static enum q_err
ips_take(struct web_call *c, struct buf *out, struct fault *f)
{
	struct json_object *list = web_list(c, "ips");

	for (size_t i = 0; list != NULL &&
	    i < json_object_array_length(list); i++) {
		const char *s = json_object_get_string(
		    json_object_array_get_idx(list, i));

		if (strchr(s, ',') != NULL)
			return web_wrong(c, f, "/ips", "one address each");
		buf_printf(out, "%s%s", out->len != 0 ? "," : "", s);
	}
	return Q_OK;
}

/* The name that the appliance has. */
static enum q_err
host_take(struct web_call *c, char out[SIGND_HOST_MAX + 1], struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct signd_status_req req = { 0 };
	struct signd_status_rsp rsp;
	enum q_err r;

	snprintf(out, SIGND_HOST_MAX + 1, "%s", web_text(c, "host", ""));
	if (out[0] != '\0')
		return Q_OK;
	r = signd_status(c->web->signd, &req, &rsp, &hold, f);
	if (r == Q_OK)
		snprintf(out, SIGND_HOST_MAX + 1, "%s", rsp.host);
	return r;
}

/* What the chain will be held to. The one in use stays while its key is the
 * same. */
static enum q_err
request_keep(struct web_call *c, const struct signd_tls_csr_rsp *rsp,
    const char *host, struct fault *f)
{
	AUTO_COMPANY struct company company = { 0 };
	struct csr csr;
	enum q_err r = company_read(c->web, &company, f);

	if (r == Q_OK)
		r = csr_parse(rsp->csr, &csr, f);
	if (r != Q_OK)
		return r;
	if (strcmp(company.key, rsp->key) != 0)
		buf_reset(&company.ders);
	snprintf(company.key, sizeof(company.key), "%s", rsp->key);
	snprintf(company.host, sizeof(company.host), "%s", host);
	buf_reset(&company.spki);
	buf_put(&company.spki, csr.key.spki.p, csr.key.spki.len);
	company.pending = true;
	return company_write(c->web, &company, f);
}

static enum q_err
csr_post(struct web_call *c, struct http_response *rs, struct fault *f)
{
	AUTO_BUF struct buf ips = BUF_INIT(SIGND_IPS_MAX);
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	char host[SIGND_HOST_MAX + 1];
	struct signd_tls_csr_req req = { .host = web_text(c, "host", "") };
	struct signd_tls_csr_rsp rsp;
	struct json_object *o;
	char text[sizeof(f->msg)];
	enum q_err r = ips_take(c, &ips, f);

	if (r == Q_OK)
		r = host_take(c, host, f);
	if (r != Q_OK)
		return r;
	req.ips = (const char *)ips.p;
	r = signd_tls_csr(c->web->signd, &req, &rsp, &hold, f);
	if (r == Q_INVALID) {
		snprintf(text, sizeof(text), "%s", fault_text(f, r));
		return web_wrong(c, f, "/host", "%s", text);
	}
	if (r == Q_OK)
		r = request_keep(c, &rsp, host, f);
	if (r == Q_OK)
		r = web_note(c, "tls csr", host, f);
	if (r != Q_OK)
		return r;
	o = web_object();
	hsm_pem_put(o, "csr", PEM_CSR, rsp.csr);
	return web_reply(rs, 201, o);
}

/* --- the certificate ---------------------------------------------------- */

/* As the port will do it: OpenSSL has opinions of its own. */
static enum q_err
try(const struct company *company, struct fault *f)
{
	AUTO_BUF struct buf pem = BUF_INIT(4 * SERVER_CHAIN_MAX);
	struct bytes rest = buf_bytes(&company->ders), one, leaf = rest;
	EVP_PKEY *key = NULL;
	SSL_CTX *ctx = NULL;
	enum q_err r;

	for (bool first = true; server_chain_next(&rest, &one); first = false) {
		leaf = first ? one : leaf;
		pem_encode(&pem, PEM_CERTIFICATE, one);
	}
	r = signer_provider_key(leaf.p, leaf.len, company->key, &key);
	if (r == Q_OK)
		r = http_tls_ctx_new(buf_bytes(&pem), key, false, &ctx, f);
	SSL_CTX_free(ctx);
	EVP_PKEY_free(key);
	return r == Q_OK ? r : fault_set(f, Q_INVALID,
	    "OpenSSL cannot serve with these certificates");
}

static enum q_err
chain_take(struct web_call *c, struct company *company, struct fault *f)
{
	const char *chain = web_text(c, "chain", "");
	const struct server_chain_want want = {
		.spki = buf_bytes(&company->spki), .host = company->host,
		.now = clock_wall() };
	char text[sizeof(f->msg)];
	enum q_err r;

	if (company->key[0] == '\0')
		return web_wrong(c, f, "/chain",
		    "no certificate was requested yet: request one first");
	buf_reset(&company->ders);
	r = server_chain_take((struct bytes){ (const uint8_t *)chain,
	    strlen(chain) }, &want, &company->ders, f);
	if (r == Q_OK)
		r = try(company, f);
	if (r != Q_INVALID && r != Q_TOOBIG)
		return r;
	snprintf(text, sizeof(text), "%s", fault_text(f, r));
	return web_wrong(c, f, "/chain", "%s", text);
}

static enum q_err
certificate_put(struct web_call *c, struct http_response *rs,
    struct fault *f)
{
	AUTO_COMPANY struct company company = { 0 };
	enum q_err r = company_read(c->web, &company, f);

	if (r == Q_OK)
		r = chain_take(c, &company, f);
	if (r != Q_OK)
		return r;
	company.pending = false;
	company.warned = 0;
	r = company_write(c->web, &company, f);
	if (r == Q_OK)
		r = web_note(c, "tls certificate set", company.host, f);
	return r == Q_OK ? tls_get(c, rs, f) : r;
}

static enum q_err
certificate_delete(struct web_call *c, struct http_response *rs,
    struct fault *f)
{
	AUTO_COMPANY struct company company = { 0 };
	enum q_err r = company_read(c->web, &company, f);

	if (r == Q_OK && company.ders.len == 0)
		r = fault_set(f, Q_NOTFOUND,
		    "the page has the appliance's own certificate");
	if (r != Q_OK)
		return r;
	buf_reset(&company.ders);
	r = company_write(c->web, &company, f);
	if (r == Q_OK)
		r = web_note(c, "tls certificate remove", company.host, f);
	rs->status = 204;
	return r;
}

static const struct web_route tls_routes[] = {
	{ "GET", "/api/v1/tls", WEB_ADMIN, WEB_SCOPE_READ, 0, NULL, NULL, 200,
	    &tls_shape, tls_get, "The certificate of the page" },
	{ "POST", "/api/v1/tls/csr", WEB_ADMIN, WEB_SCOPE_HSM, 0, NULL,
	    &request_shape, 201, &csr_shape, csr_post,
	    "Request a certificate of the company's CA; the key stays in the "
	    "token" },
	{ "PUT", "/api/v1/tls/certificate", WEB_ADMIN, WEB_SCOPE_HSM, 0, NULL,
	    &chain_shape, 200, &tls_shape, certificate_put,
	    "Hand in what the CA gave; new connections get it" },
	{ "DELETE", "/api/v1/tls/certificate", WEB_ADMIN, WEB_SCOPE_HSM, 0,
	    NULL, NULL, 204, NULL, certificate_delete,
	    "Back to the appliance's own" },
};

WEB_PAGE(tls, "The certificate of the page", tls_routes);
