// SPDX-License-Identifier: Apache-2.0
/* Auth Certs (guide 9.1): who signed what devices come with. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "records/access.h"
#include "webd/hsm.h"
#include "webd/pages.h"

#define PEM_MAX 65536

static SHAPE(create_shape, "AuthCertCreate",
    { "pem", SHAPE_TEXT, 1, PEM_MAX, SHAPE_NEED,
	"certificate of the CA, PEM" },
    { "name", SHAPE_STR, 0, REC_NAME_MAX, 0,
	"for people; absent: its subject's common name" },
    { "must_preregister", SHAPE_BOOL, 0, 0, 0,
	"the DeviceID must be in a batch already" },
    { "requires_token", SHAPE_BOOL, 0, 0, 0,
	"a token of the batch must come with it" },
    { "batch", SHAPE_STR, 0, REC_NAME_MAX, 0,
	"batch that unknown devices come into" },
);

static SHAPE(auth_cert_shape, "AuthCert",
    { "id", SHAPE_HEX, 64, 64, SHAPE_NEED, "SHA-256 of the certificate" },
    { "name", SHAPE_STR, 0, REC_NAME_MAX, SHAPE_NEED, "for people" },
    { "must_preregister", SHAPE_BOOL, 0, 0, SHAPE_NEED,
	"the DeviceID must be in a batch already" },
    { "requires_token", SHAPE_BOOL, 0, 0, SHAPE_NEED,
	"a token of the batch must come with it" },
    { "batch", SHAPE_STR, 0, REC_NAME_MAX, SHAPE_NEED,
	"batch that unknown devices come into" },
    { "created_at", SHAPE_TIME, 0, 0, 0, "when it was added" },
    { "etag", SHAPE_STR, 0, 24, SHAPE_NEED, "its revision" },
    HSM_CERT_FIELDS,
);
static SHAPE_PAGE(auth_certs_shape, "AuthCerts", auth_cert_shape);
static SHAPE(window_query, "AuthCertsQuery", WEB_WINDOW_FIELDS);

static struct json_object *
auth_cert_json(const struct rec_auth_cert *a)
{
	struct json_object *o = web_object();

	web_put(o, "id", a->key);
	web_put(o, "name", a->name);
	web_put_bool(o, "must_preregister", a->must_preregister);
	web_put_bool(o, "requires_token", a->requires_token);
	web_put(o, "batch", a->batch);
	web_put_time(o, "created_at", a->created_at);
	web_put_etag(o, a->rev);
	hsm_cert_put(o, (struct bytes){ a->cert.p, a->cert.len });
	return o;
}

static enum q_err
auth_certs_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(c->web->recordd, REC_AUTH_CERT, NULL, NULL);
	struct json_object *items;
	struct rec_auth_cert a;
	struct web_window win;
	enum q_err r = web_window(c, &win, f);

	if (r != Q_OK)
		return r;
	items = web_array();
	while ((r = rec_list_next(&it, &a, f)) == Q_OK)
		web_push(items, auth_cert_json(&a));
	if (r == Q_NOTFOUND)
		return hsm_window(rs, items, "id", &win, f);
	json_object_put(items);
	return r;
}

static enum q_err
auth_cert_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct rec_auth_cert a;
	enum q_err r = rec_auth_cert_find(c->web->recordd, c->param[0], &a,
	    f);

	return r == Q_OK ? web_reply_rev(rs, 200, auth_cert_json(&a), a.rev)
			 : r;
}

/* Where the form has what is wrong: the certificate is looked at first. */
static enum q_err
wrong(struct web_call *c, const struct rec_auth_cert *a, enum q_err r,
    struct fault *f)
{
	const char *at = "/batch";
	char text[sizeof(f->msg)];

	if (r != Q_INVALID && r != Q_NOTFOUND && r != Q_PROTO)
		return r;
	if (a->key[0] == '\0')
		at = "/pem";
	else if (rec_key_check(rec_desc(REC_TOKEN), a->name, NULL) != Q_OK)
		at = "/name";
	snprintf(text, sizeof(text), "%s", fault_text(f, r));
	return web_wrong(c, f, at, "%s", text);
}

static enum q_err
auth_certs_post(struct web_call *c, struct http_response *rs,
    struct fault *f)
{
	const char *pem = web_text(c, "pem", "");
	struct bytes text = { (const uint8_t *)pem, strlen(pem) };
	struct rec_auth_cert a = {
		.must_preregister = web_bool(c, "must_preregister", false),
		.requires_token = web_bool(c, "requires_token", false) };
	enum q_err r;

	snprintf(a.name, sizeof(a.name), "%s", web_text(c, "name", ""));
	snprintf(a.batch, sizeof(a.batch), "%s", web_text(c, "batch", ""));
	r = rec_auth_cert_add(c->web->recordd, text, &a, &c->by, f);
	if (r != Q_OK)
		return wrong(c, &a, r, f);
	return web_reply_rev(rs, 201, auth_cert_json(&a), a.rev);
}

static enum q_err
auth_cert_delete(struct web_call *c, struct http_response *rs,
    struct fault *f)
{
	struct rec_auth_cert a;
	enum q_err r = rec_auth_cert_find(c->web->recordd, c->param[0], &a,
	    f);

	if (r == Q_OK)
		r = web_if_match(c, a.rev, f);
	if (r == Q_OK)
		r = rec_auth_cert_remove(c->web->recordd, a.key, &c->by, f);
	rs->status = 204;
	return r;
}

#define LIST "/api/v1/auth-certs"
#define ONE LIST "/{id}"
static const struct web_route authcerts_routes[] = {
	{ "GET", LIST, WEB_USER, WEB_SCOPE_READ, 0, &window_query, NULL, 200,
	    &auth_certs_shape, auth_certs_get, "All Auth Certs" },
	{ "POST", LIST, WEB_ADMIN, WEB_SCOPE_HSM, 0, NULL, &create_shape, 201,
	    &auth_cert_shape, auth_certs_post,
	    "Import the certificate of a CA whose devices may enrol" },
	{ "GET", ONE, WEB_USER, WEB_SCOPE_READ, 0, NULL, NULL, 200,
	    &auth_cert_shape, auth_cert_get,
	    "One Auth Cert, by its id or name" },
	{ "DELETE", ONE, WEB_ADMIN, WEB_SCOPE_HSM, 0, NULL, NULL, 204, NULL,
	    auth_cert_delete, "From now on nobody enrols by it" },
};

WEB_PAGE(authcerts, "Auth Certs: CAs whose devices may enrol",
    authcerts_routes);
