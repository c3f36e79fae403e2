// SPDX-License-Identifier: Apache-2.0
/* Auth Certs and tokens. */
#include "config.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "quoinctl/ctl.h"
#include "quoinctl/out.h"
#include "records/access.h"
#include "x509/cert_parse.h"
#include "x509/pem.h"

#define DAY 86400
#define PEM_MAX 65536

/* --- Auth Certs --------------------------------------------------------- */

static const struct col auth_cols[] = {
	{ "Name", "name" }, { "Batch", "batch" },
	{ "Must pre-register", "must_preregister" },
	{ "Requires token", "requires_token" },
	{ "Not after", "not_after" }, { "SHA-256", "id" },
};

static struct json_object *
auth_json(const struct rec_auth_cert *a)
{
	struct json_object *o = out_record(REC_AUTH_CERT, a);
	struct cert cert;

	if (cert_parse((struct bytes){ a->cert.p, a->cert.len }, &cert,
	    NULL) == Q_OK)
		out_time(o, "not_after", cert.not_after);
	return o;
}

enum q_err
cmd_authcert_list(struct ctl *c, struct fault *f)
{
	struct rec_auth_cert a;
	struct out_list list;
	enum q_err r = ctl_records(c, f);
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(c->records, REC_AUTH_CERT, NULL, NULL);

	if (r != Q_OK)
		return r;
	out_list_begin(&list, c, "auth_certs", auth_cols,
	    ARRAY_LEN(auth_cols));
	while ((r = rec_list_next(&it, &a, f)) == Q_OK)
		out_list_add(&list, auth_json(&a));
	return out_list_end(&list, r, "no Auth Certs: quoinctl authcert add "
	    "FILE imports one");
}

enum q_err
cmd_authcert_show(struct ctl *c, struct fault *f)
{
	AUTO_BUF struct buf pem = BUF_INIT(PEM_MAX);
	struct rec_auth_cert a;
	enum q_err r = ctl_records(c, f);

	if (r == Q_OK)
		r = rec_auth_cert_find(c->records, c->argv[0], &a, f);
	if (r != Q_OK)
		return r;
	if (c->opt[CTL_OPT_pem] == NULL) {
		out_show(c, auth_cols, ARRAY_LEN(auth_cols), auth_json(&a));
		return Q_OK;
	}
	pem_encode(&pem, PEM_CERTIFICATE,
	    (struct bytes){ a.cert.p, a.cert.len });
	printf("%s", (const char *)pem.p);
	return Q_OK;
}

enum q_err
cmd_authcert_add(struct ctl *c, struct fault *f)
{
	AUTO_BUF struct buf pem = BUF_INIT(PEM_MAX);
	struct rec_auth_cert a = {
		.must_preregister = c->opt[CTL_OPT_must_preregister] != NULL,
		.requires_token = c->opt[CTL_OPT_requires_token] != NULL };
	enum q_err r = ctl_text(c->opt[CTL_OPT_name], "name", a.name,
	    sizeof(a.name), f);

	if (r == Q_OK)
		r = ctl_text(c->opt[CTL_OPT_batch], "batch", a.batch,
		    sizeof(a.batch), f);
	if (r != Q_OK)
		return r;
	r = ctl_read(c->argv[0], &pem, f);
	if (r != Q_OK)
		return r;
	r = ctl_records(c, f);
	if (r == Q_OK)
		r = rec_auth_cert_add(c->records, buf_bytes(&pem), &a, &c->by,
		    f);
	if (r == Q_OK)
		out_show(c, auth_cols, ARRAY_LEN(auth_cols), auth_json(&a));
	return r;
}

enum q_err
cmd_authcert_remove(struct ctl *c, struct fault *f)
{
	struct json_object *o;
	enum q_err r = ctl_records(c, f);

	if (r == Q_OK)
		r = rec_auth_cert_remove(c->records, c->argv[0], &c->by, f);
	if (r != Q_OK)
		return r;
	o = out_object();
	out_str(o, "auth_cert", c->argv[0]);
	out_done(c, o, "Auth Cert %s is removed.", c->argv[0]);
	return Q_OK;
}

/* --- tokens ------------------------------------------------------------- */

static const struct col token_cols[] = {
	{ "Name", "name" }, { "Value", "value" }, { "Batch", "batch" },
	{ "Not before", "not_before" }, { "Not after", "not_after" },
};

static enum q_err
token_seal(void *ctx, const char *context, struct bytes secret,
    struct buf *sealed, struct fault *f)
{
	struct signd_seal_req req = { .purpose = "token",
		.context = context, .secret = secret };
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_seal_rsp rsp;
	struct ctl *c = ctx;
	enum q_err r = signd_seal(c->signd, &req, &rsp, &hold, f);

	if (r == Q_OK)
		buf_put(sealed, rsp.sealed.p, rsp.sealed.len);
	return r;
}

/* With its value, which quoin-signd unseals for administrators. */
static enum q_err
token_json(struct ctl *c, const struct rec_token *t,
    struct json_object **ret_json, struct fault *f)
{
	char context[REC_TOKEN_CONTEXT], value[REC_TOKEN_VALUE + 1] = "";
	struct signd_unseal_req req = { .purpose = "token",
		.context = context,
		.sealed = { t->sealed.p, t->sealed.len } };
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_unseal_rsp rsp;
	struct json_object *o;
	enum q_err r;

	rec_token_context(t->key, context);
	r = signd_unseal(c->signd, &req, &rsp, &hold, f);
	if (r != Q_OK)
		return r;
	if (rsp.secret.len > REC_TOKEN_VALUE)
		return fault_set(f, Q_INTERNAL, "token %.64s is damaged",
		    t->key);
	memcpy(value, rsp.secret.p, rsp.secret.len);
	o = out_record(REC_TOKEN, t);
	json_object_object_del(o, "sealed");
	json_object_object_del(o, "digest");
	out_str(o, "value", value);
	OPENSSL_cleanse(value, sizeof(value));
	*ret_json = o;
	return Q_OK;
}

static enum q_err
both_open(struct ctl *c, struct fault *f)
{
	enum q_err r = ctl_records(c, f);

	return r == Q_OK ? ctl_signd(c, f) : r;
}

enum q_err
cmd_token_list(struct ctl *c, struct fault *f)
{
	struct json_object *o;
	struct rec_token t;
	struct out_list list;
	enum q_err r = both_open(c, f);
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(c->records, REC_TOKEN, NULL, NULL);

	if (r != Q_OK)
		return r;
	out_list_begin(&list, c, "tokens", token_cols, ARRAY_LEN(token_cols));
	while ((r = rec_list_next(&it, &t, f)) == Q_OK) {
		r = token_json(c, &t, &o, f);
		if (r != Q_OK)
			break;
		out_list_add(&list, o);
	}
	return out_list_end(&list, r, "no tokens: quoinctl token create NAME "
	    "makes one");
}

static enum q_err
token_tell(struct ctl *c, struct fault *f)
{
	struct json_object *o;
	struct rec_token t;
	enum q_err r = both_open(c, f);

	if (r == Q_OK)
		r = rec_token_get(c->records, c->argv[0], &t, f);
	if (r == Q_NOTFOUND)
		return fault_set(f, r, "no token %.64s: quoinctl token list "
		    "shows what there is", c->argv[0]);
	if (r == Q_OK)
		r = token_json(c, &t, &o, f);
	if (r == Q_OK)
		out_show(c, token_cols, ARRAY_LEN(token_cols), o);
	return r;
}

enum q_err
cmd_token_show(struct ctl *c, struct fault *f)
{
	return token_tell(c, f);
}

enum q_err
cmd_token_create(struct ctl *c, struct fault *f)
{
	const struct rec_sealer sealer = { token_seal, c };
	struct rec_token t = { .not_before = clock_wall() / DAY * DAY };
	char value[REC_TOKEN_VALUE + 1];
	enum q_err r = ctl_need(c, CTL_OPT_batch, f);

	if (r == Q_OK)
		r = ctl_need(c, CTL_OPT_not_after, f);
	if (r == Q_OK)
		r = ctl_date(c, CTL_OPT_not_before, &t.not_before, f);
	if (r == Q_OK)
		r = ctl_date(c, CTL_OPT_not_after, &t.not_after, f);
	if (r == Q_OK)
		r = ctl_text(c->argv[0], "name", t.key, REC_NAME_MAX + 1, f);
	if (r == Q_OK)
		r = ctl_text(c->opt[CTL_OPT_batch], "batch", t.batch,
		    sizeof(t.batch), f);
	if (r == Q_OK)
		r = both_open(c, f);
	if (r == Q_OK)
		r = rec_token_create(c->records, &t, &sealer, &c->by, value,
		    f);
	if (r != Q_OK)
		return r;
	OPENSSL_cleanse(value, sizeof(value));
	return token_tell(c, f);
}

enum q_err
cmd_token_remove(struct ctl *c, struct fault *f)
{
	struct json_object *o;
	enum q_err r = ctl_records(c, f);

	if (r == Q_OK)
		r = rec_token_remove(c->records, c->argv[0], &c->by, f);
	if (r != Q_OK)
		return r;
	o = out_object();
	out_str(o, "token", c->argv[0]);
	out_done(c, o, "Token %s is removed.", c->argv[0]);
	return Q_OK;
}
