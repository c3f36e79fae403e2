// SPDX-License-Identifier: Apache-2.0
/* What keys come with and are asked for: a certificate of a key for code
 * (chains of PKCS #11's users), an approval before something is signed. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/own.h"
#include "signer/named.h"
#include "webd/pages.h"
#include "x509/pem.h"

#define DIGEST_MAX 64

static const struct {
	const char *text;
	uint32_t bit;
} mechs[] = { { "ecdsa", SIGND_ECDSA }, { "rsa-pkcs1", SIGND_RSA_PKCS1 },
	{ "rsa-pss", SIGND_RSA_PSS } };
static const char *const mech_names[] = { "ecdsa", "rsa-pkcs1", "rsa-pss",
	NULL };

static SHAPE(certificate_shape, "KeyCertificate",
    { "pem", SHAPE_TEXT, 1, 8192, SHAPE_NEED,
	"certificate of this key, PEM" },
);

static SHAPE(want_shape, "ApprovalWant",
    { "key", SHAPE_HEX, SIGND_ID_LEN, SIGND_ID_LEN, SHAPE_NEED,
	"id of the key that is to sign" },
    { "digest", SHAPE_HEX, 64, 2 * DIGEST_MAX, SHAPE_NEED,
	"SHA-256, -384 or -512 of what is to be signed" },
    { "meaning", SHAPE_STR, 1, 200, SHAPE_NEED, "what that is" },
    { "mech", SHAPE_ENUM, .text = "how; the first that the key can",
	.names = mech_names },
);

static SHAPE(wanted_shape, "ApprovalWanted",
    { "id", SHAPE_HEX, SIGND_ID_LEN, SIGND_ID_LEN, SHAPE_NEED, "its id" },
    { "statement", SHAPE_TEXT, 0, 1500, SHAPE_NEED,
	"what is to be agreed to" },
);

struct found {
	const char *id;
	char name[SIGND_NAME_MAX + 1];
	uint32_t mechs;
	bool any;
};

static enum q_err
each_key(void *arg, const struct signd_key *k)
{
	struct found *found = arg;

	if (k->name[0] == '\0' || strcmp(k->id, found->id) != 0)
		return Q_OK;
	found->any = true;
	found->mechs = signer_key_mechs(k);
	snprintf(found->name, sizeof(found->name), "%s", k->name);
	return Q_OK;
}

static enum q_err
key_find(struct web_call *c, struct found *found, struct fault *f)
{
	enum q_err r = signer_keys(c->web->signd, each_key, found, f);

	return r != Q_OK || found->any ? r : fault_set(f, Q_NOTFOUND,
	    "no key %.32s", found->id);
}

/* --- certificate -------------------------------------------------------- */

static enum q_err
cert_set(struct web_call *c, struct bytes der, struct http_response *rs,
    struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct found found = { .id = c->param[0] };
	struct signd_key_cert_req req = { .key = found.id,
		.user = c->user.name, .cert = der };
	struct signd_key_cert_rsp rsp;
	enum q_err r = key_find(c, &found, f);

	if (r == Q_OK)
		r = signd_key_cert(c->web->signd, &req, &rsp, &hold, f);
	if (r == Q_INVALID)
		return web_wrong(c, f, "/pem", "%s", fault_text(f, r));
	if (r == Q_OK)
		r = web_note(c, "hsm key cert", found.name, f);
	rs->status = 204;
	return r;
}

static enum q_err
cert_put(struct web_call *c, struct http_response *rs, struct fault *f)
{
	AUTO_BUF struct buf der = BUF_INIT(SIGND_CERT_MAX);
	const char *pem = web_text(c, "pem", "");
	enum q_err r = pem_decode((struct bytes){ (const uint8_t *)pem,
	    strlen(pem) }, PEM_CERTIFICATE, &der, NULL, f);

	return r == Q_OK ? cert_set(c, buf_bytes(&der), rs, f) :
	    web_wrong(c, f, "/pem", "%s", fault_text(f, r));
}

static enum q_err
cert_delete(struct web_call *c, struct http_response *rs, struct fault *f)
{
	return cert_set(c, (struct bytes){ NULL, 0 }, rs, f);
}

/* --- approval ----------------------------------------------------------- */

static uint32_t
mech_of(const struct web_call *c, const struct found *found)
{
	const char *want = web_text(c, "mech", NULL);

	for (size_t i = 0; i < ARRAY_LEN(mechs); i++)
		if (want != NULL ? strcmp(mechs[i].text, want) == 0 :
		    (found->mechs & mechs[i].bit) != 0)
			return mechs[i].bit;
	return SIGND_ECDSA;
}

static enum q_err
want_post(struct web_call *c, struct http_response *rs, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct found found = { .id = web_text(c, "key", "") };
	struct signd_approval_want_req req = { .action = "sign",
		.key = found.id, .meaning = web_text(c, "meaning", ""),
		.user = c->user.name };
	struct signd_approval_want_rsp rsp;
	const char *hex = web_text(c, "digest", "");
	size_t len = strlen(hex) / 2;
	uint8_t digest[DIGEST_MAX];
	struct json_object *o;
	enum q_err r;

	if (len % 16 != 0 || !hex_decode(hex, digest, len))
		return web_wrong(c, f, "/digest",
		    "a SHA-256, SHA-384 or SHA-512");
	r = key_find(c, &found, f);
	if (r == Q_NOTFOUND)
		return web_wrong(c, f, "/key", "%s", fault_text(f, r));
	req.digest = (struct bytes){ digest, len };
	req.hash = (uint32_t)len * 8;
	req.mech = mech_of(c, &found);
	if (r == Q_OK)
		r = signd_approval_want(c->web->signd, &req, &rsp, &hold, f);
	if (r == Q_OK)
		r = web_note(c, "approval request", rsp.id, f);
	if (r != Q_OK)
		return r;
	o = web_object();
	web_put(o, "id", rsp.id);
	web_put(o, "statement", rsp.statement);
	return web_reply(rs, 201, o);
}

#define CERTIFICATE "/api/v1/keys/{id}/certificate"
static const struct web_route keyuse_routes[] = {
	{ "PUT", CERTIFICATE, WEB_ADMIN, WEB_SCOPE_HSM, 0, NULL,
	    &certificate_shape, 204, NULL, cert_put,
	    "Attach a certificate to a key for code" },
	{ "DELETE", CERTIFICATE, WEB_ADMIN, WEB_SCOPE_HSM, 0, NULL, NULL, 204,
	    NULL, cert_delete, "Let a key for code be without one" },
	{ "POST", "/api/v1/approvals", WEB_ADMIN, WEB_SCOPE_SIGN, 0, NULL,
	    &want_shape, 201, &wanted_shape, want_post,
	    "Ask for approval before something is signed" },
};

WEB_PAGE(keyuse, "Use of signing keys", keyuse_routes);
