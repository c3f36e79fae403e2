// SPDX-License-Identifier: Apache-2.0
/* The HSM (guide 9): how it is, and the certificates it has made. */
#include "config.h"

#include "webd/hsm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/own.h"
#include "webd/pages.h"
#include "x509/cert_parse.h"
#include "x509/cert_text.h"
#include "x509/pem.h"

#define CHAIN_MAX 4 /* issuers above a certificate, and one to spare */

#define CERT_ITEM                                                           \
    { "id", SHAPE_STR, 0, SIGND_ID_LEN, SHAPE_NEED, "of certificate and "   \
	"key" },                                                            \
    { "purpose", SHAPE_STR, 0, 15, SHAPE_NEED, "root, issuing, tls-device, " \
	"tls-admin, ocsp, cmp, root-link" },                                \
    { "name", SHAPE_STR, 0, 512, SHAPE_NEED, "common name of the subject" }, \
    { "policy", SHAPE_STR, 0, SIGND_POLICY_MAX, 0, "of an issuing CA" },    \
    { "state", SHAPE_STR, 0, 7, SHAPE_NEED, "active; old: replaced, still " \
	"valid" },                                                          \
    { "issued", SHAPE_BOOL, 0, 0, 0, "an issuing CA has issued one" },      \
    { "crl_number", SHAPE_INT, 0, INT64_MAX, 0, "of the newest CRL" },      \
    { "chain", SHAPE_STRS, 0, SIGND_ID_LEN, SHAPE_NEED,                     \
	"ids of the CAs above it, nearest first", .many = CHAIN_MAX },      \
    HSM_CERT_FIELDS

static SHAPE(cert_shape, "HsmCertificate", CERT_ITEM);
static SHAPE_PAGE(certs_shape, "HsmCertificates", cert_shape);

static SHAPE(hsm_shape, "Hsm",
    { "ready", SHAPE_BOOL, 0, 0, SHAPE_NEED, "everything works" },
    { "text", SHAPE_STR, 0, 200, SHAPE_NEED, "why not" },
    { "token", SHAPE_STR, 0, 32, SHAPE_NEED, "ready, away" },
    { "token2", SHAPE_STR, 0, 200, SHAPE_NEED,
	"ready, or why the second one is not; empty: there is none" },
    { "cannot", SHAPE_STR, 0, 2 * SIGND_CANNOT_MAX + 2, SHAPE_NEED,
	"what the tokens cannot do" },
    { "restarts", SHAPE_INT, 0, UINT32_MAX, 0,
	"of the token's worker since the start" },
    { "keys_unknown", SHAPE_INT, 0, UINT32_MAX, 0,
	"keys in the token that nobody knows" },
    { "root", SHAPE_OBJ, 0, 0, 0, "the OEM Root", NULL, &cert_shape },
);

static const char *const kinds[] = { "issuing", "tls", "all", NULL };

static SHAPE(certs_query, "HsmCertificatesQuery",
    { "kind", SHAPE_ENUM, .text = "which of them; all", .names = kinds },
);

void
hsm_pem_put(struct json_object *o, const char *name, const char *label,
    struct bytes der)
{
	AUTO_BUF struct buf pem = BUF_INIT(PEM_TEXT_MAX);

	pem_encode(&pem, label, der);
	web_put(o, name, pem.bad ? "" : (const char *)pem.p);
}

struct json_object *
hsm_words_json(const char *list)
{
	struct json_object *words = web_array();
	size_t n;

	for (const char *s = list; *s != '\0'; s += n + (s[n] != '\0')) {
		n = strcspn(s, " ");
		if (n != 0)
			web_push(words, json_object_new_string_len(s, (int)n));
	}
	return words;
}

void
hsm_cert_put(struct json_object *o, struct bytes der)
{
	char name[CERT_NAME_TEXT] = "", print[CERT_FINGERPRINT];
	char serial[2 * 20 + 1] = "";
	struct cert cert = { 0 };

	if (cert_parse(der, &cert, NULL) == Q_OK) {
		hex_encode(cert.serial.p, cert.serial.len, serial);
		cert_name_text(cert.subject, name);
	}
	web_put(o, "subject", name);
	cert_name_text(cert.issuer, name);
	web_put(o, "issuer", name);
	web_put_time(o, "not_before", cert.not_before);
	web_put_time(o, "not_after", cert.not_after);
	web_put(o, "serial", serial);
	cert_fingerprint(der, print);
	web_put(o, "fingerprint", print);
	hsm_pem_put(o, "pem", PEM_CERTIFICATE, der);
}

static const char *
text_at(struct json_object *items, size_t i, const char *member)
{
	return json_object_get_string(json_object_object_get(
	    json_object_array_get_idx(items, i), member));
}

enum q_err
hsm_window(struct http_response *rs, struct json_object *items,
    const char *member, const struct web_window *win, struct fault *f)
{
	AUTO_JSON struct json_object *all = items;
	size_t n = json_object_array_length(all), at = 0, end;
	struct json_object *page;

	while (win->after[0] != '\0' && at < n &&
	    strcmp(text_at(all, at, member), win->after) != 0)
		at++;
	if (win->after[0] != '\0' && at++ == n)
		return fault_set(f, Q_INVALID,
		    "after: that one is gone: begin again");
	end = n - at < win->limit ? n : at + win->limit;
	page = web_array();
	for (; at < end; at++)
		web_push(page, json_object_get(
		    json_object_array_get_idx(all, at)));
	return web_reply(rs, 200, web_items(page, end < n
	    ? text_at(all, end - 1, member) : ""));
}

/* --- certificates ------------------------------------------------------- */

struct item {
	char id[SIGND_ID_LEN + 1], issuer[SIGND_ID_LEN + 1];
	char purpose[16];
	bool active;
	struct json_object *json;
};

/* All of them. */
struct certs {
	struct item *items;
	size_t n, cap;
};

static void
certs_free(struct certs *s)
{
	for (size_t i = 0; i < s->n; i++)
		json_object_put(s->items[i].json);
	free(s->items);
}

static struct json_object *
cert_json(const struct signd_cert *c)
{
	struct json_object *o = web_object();
	struct cert cert = { 0 };
	char name[CERT_NAME_TEXT] = "";

	if (cert_parse(c->cert, &cert, NULL) == Q_OK)
		snprintf(name, sizeof(name), "%.*s", (int)cert.cn.len,
		    (const char *)cert.cn.p);
	web_put(o, "id", c->id);
	web_put(o, "purpose", c->purpose);
	web_put(o, "name", name);
	web_put(o, "state", c->state);
	if (strcmp(c->purpose, "issuing") == 0) {
		web_put(o, "policy", c->policy);
		web_put_bool(o, "issued", c->issued);
		web_put_int(o, "crl_number", (int64_t)c->crl_number);
	}
	hsm_cert_put(o, c->cert);
	return o;
}

static enum q_err
each_cert(void *arg, const struct signd_cert *c)
{
	struct certs *s = arg;
	struct item *it;

	if (s->n == s->cap) {
		it = reallocarray(s->items, s->cap + 64, sizeof(*it));
		if (it == NULL)
			return Q_NOMEM;
		s->items = it;
		s->cap += 64;
	}
	it = &s->items[s->n++];
	snprintf(it->id, sizeof(it->id), "%s", c->id);
	snprintf(it->issuer, sizeof(it->issuer), "%s", c->issuer);
	snprintf(it->purpose, sizeof(it->purpose), "%s", c->purpose);
	it->active = strcmp(c->state, "active") == 0;
	it->json = cert_json(c);
	return Q_OK;
}

static const struct item *
item_find(const struct certs *s, const char *id)
{
	for (size_t i = 0; id[0] != '\0' && i < s->n; i++)
		if (strcmp(s->items[i].id, id) == 0)
			return &s->items[i];
	return NULL;
}

/* The ids above it. */
static void
chain_put(const struct certs *s, const struct item *it)
{
	struct json_object *ids = web_array();
	const struct item *up = item_find(s, it->issuer);

	for (int i = 0; i < CHAIN_MAX && up != NULL; i++) {
		web_push(ids, json_object_new_string(up->id));
		up = item_find(s, up->issuer);
	}
	web_put_obj(it->json, "chain", ids);
}

static enum q_err
certs_read(struct web *w, struct certs *ret_certs, struct fault *f)
{
	enum q_err r = signer_certs(w->signd, each_cert, ret_certs, f);

	for (size_t i = 0; i < ret_certs->n; i++)
		chain_put(ret_certs, &ret_certs->items[i]);
	return r;
}

static bool
is_wanted(const char *kind, const char *purpose)
{
	if (strcmp(kind, "issuing") == 0)
		return strcmp(purpose, "issuing") == 0;
	return strcmp(kind, "tls") != 0 || strncmp(purpose, "tls-", 4) == 0;
}

static enum q_err
certs_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	__attribute__((cleanup(certs_free))) struct certs all = { 0 };
	struct json_object *items;
	char kind[8];
	enum q_err r = web_query(c, "kind", kind, sizeof(kind), f);

	if (r == Q_OK)
		r = certs_read(c->web, &all, f);
	if (r != Q_OK)
		return r;
	items = web_array();
	for (size_t i = 0; i < all.n; i++)
		if (is_wanted(kind, all.items[i].purpose))
			web_push(items, json_object_get(all.items[i].json));
	return web_reply(rs, 200, web_items(items, ""));
}

/* --- the HSM itself ----------------------------------------------------- */

static struct json_object *
status_json(const struct signd_status_rsp *s)
{
	struct json_object *o = web_object();
	char cannot[2 * SIGND_CANNOT_MAX + 3];

	snprintf(cannot, sizeof(cannot), "%s%s%s", s->cannot,
	    s->cannot[0] != '\0' && s->cannot2[0] != '\0' ? "; " : "",
	    s->cannot2);
	web_put_bool(o, "ready", s->ready);
	web_put(o, "text", s->reason);
	web_put(o, "token", s->token ? "ready" : "away");
	web_put(o, "token2", s->token2);
	web_put(o, "cannot", cannot);
	web_put_int(o, "restarts", s->restarts);
	web_put_int(o, "keys_unknown", s->orphans);
	return o;
}

/* quoin-signd is away: that is an answer, too. */
static struct json_object *
away_json(const char *why)
{
	struct json_object *o = web_object();

	web_put_bool(o, "ready", false);
	web_put(o, "text", why);
	web_put(o, "token", "away");
	web_put(o, "token2", "");
	web_put(o, "cannot", "");
	return o;
}

static enum q_err
root_put(struct web *w, struct json_object *o, struct fault *f)
{
	__attribute__((cleanup(certs_free))) struct certs all = { 0 };
	enum q_err r = certs_read(w, &all, f);

	for (size_t i = 0; r == Q_OK && i < all.n; i++)
		if (strcmp(all.items[i].purpose, "root") == 0 &&
		    all.items[i].active)
			web_put_obj(o, "root",
			    json_object_get(all.items[i].json));
	return r;
}

static enum q_err
hsm_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct signd_status_req req = { 0 };
	struct signd_status_rsp s;
	struct json_object *o;
	struct fault why = { 0 };
	enum q_err r = signd_status(c->web->signd, &req, &s, &hold, &why);

	if (r != Q_OK)
		return web_reply(rs, 200, away_json(fault_text(&why, r)));
	o = status_json(&s);
	r = root_put(c->web, o, f);
	if (r == Q_OK)
		return web_reply(rs, 200, o);
	json_object_put(o);
	return r;
}

static const struct web_route hsm_routes[] = {
	{ "GET", "/api/v1/hsm", WEB_USER, WEB_SCOPE_READ, 0, NULL, NULL, 200,
	    &hsm_shape, hsm_get, "How the HSM is, and the OEM Root" },
	{ "GET", "/api/v1/hsm/certificates", WEB_USER, WEB_SCOPE_READ, 0,
	    &certs_query, NULL, 200, &certs_shape, certs_get,
	    "The certificates that the appliance has made, with their chains" },
};

WEB_PAGE(hsm, "The HSM and its certificates", hsm_routes);
