// SPDX-License-Identifier: Apache-2.0
/* Tokens (guide 9.2): what firmware brings to prove whose it is. */
#include "config.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "records/access.h"
#include "webd/hsm.h"
#include "webd/pages.h"

#define DAY 86400

static SHAPE(create_shape, "TokenCreate",
    { "name", SHAPE_STR, 1, REC_NAME_MAX, SHAPE_NEED, "unique" },
    { "batch", SHAPE_STR, 1, REC_NAME_MAX, SHAPE_NEED,
	"batch that it lets devices into" },
    { "not_before", SHAPE_TIME, 0, 0, 0,
	"valid from 00:00 UTC of this day; absent: today" },
    { "not_after", SHAPE_TIME, 0, 0, SHAPE_NEED,
	"valid up to 00:00 UTC of this day" },
);

static SHAPE(token_shape, "Token",
    { "name", SHAPE_STR, 0, REC_NAME_MAX, SHAPE_NEED, "unique" },
    { "value", SHAPE_STR, 0, REC_TOKEN_VALUE, 0,
	"made by the appliance; API tokens see it with the scope hsm" },
    { "batch", SHAPE_STR, 0, REC_NAME_MAX, SHAPE_NEED,
	"batch that it lets devices into" },
    { "not_before", SHAPE_TIME, 0, 0, 0, "valid from" },
    { "not_after", SHAPE_TIME, 0, 0, 0, "valid up to the second before" },
    { "created_at", SHAPE_TIME, 0, 0, 0, "when it was made" },
    { "etag", SHAPE_STR, 0, 24, SHAPE_NEED, "its revision" },
);
static SHAPE_PAGE(tokens_shape, "Tokens", token_shape);
static SHAPE(window_query, "TokensQuery", WEB_WINDOW_FIELDS);

static enum q_err
seal(void *ctx, const char *context, struct bytes secret, struct buf *sealed,
    struct fault *f)
{
	struct signd_seal_req req = { .purpose = "token",
		.context = context, .secret = secret };
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct signd_seal_rsp rsp;
	enum q_err r = signd_seal(ctx, &req, &rsp, &hold, f);

	if (r == Q_OK)
		buf_put(sealed, rsp.sealed.p, rsp.sealed.len);
	return r;
}

/* People see it, as the guide has it; a script that may only read does not. */
static bool
shows_values(const struct web_call *c)
{
	return c->user.token[0] == '\0' ||
	    (c->user.scopes & WEB_SCOPE_HSM) != 0;
}

static enum q_err
value_put(struct web *w, const struct rec_token *t, struct json_object *o,
    struct fault *f)
{
	char context[REC_TOKEN_CONTEXT], value[REC_TOKEN_VALUE + 1] = "";
	struct signd_unseal_req req = { .purpose = "token",
		.context = context, .sealed = { t->sealed.p, t->sealed.len } };
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct signd_unseal_rsp rsp;
	enum q_err r;

	rec_token_context(t->key, context);
	r = signd_unseal(w->signd, &req, &rsp, &hold, f);
	if (r != Q_OK)
		return r;
	if (rsp.secret.len > REC_TOKEN_VALUE)
		return fault_set(f, Q_INTERNAL, "token %.64s is damaged",
		    t->key);
	memcpy(value, rsp.secret.p, rsp.secret.len);
	web_put(o, "value", value);
	OPENSSL_cleanse(value, sizeof(value));
	return Q_OK;
}

/* With its value, if the caller sees it. */
static enum q_err
token_json(struct web_call *c, const struct rec_token *t,
    struct json_object **ret_json, struct fault *f)
{
	struct json_object *o = web_object();
	enum q_err r = Q_OK;

	web_put(o, "name", t->key);
	if (shows_values(c))
		r = value_put(c->web, t, o, f);
	if (r != Q_OK) {
		json_object_put(o);
		return r;
	}
	web_put(o, "batch", t->batch);
	web_put_time(o, "not_before", t->not_before);
	web_put_time(o, "not_after", t->not_after);
	web_put_time(o, "created_at", t->created_at);
	web_put_etag(o, t->rev);
	*ret_json = o;
	return Q_OK;
}

static enum q_err
tokens_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(c->web->recordd, REC_TOKEN, NULL, NULL);
	struct rec_scan scan = { .client = c->web->recordd };
	struct json_object *items, *o;
	struct web_window win;
	struct rec_token t;
	enum q_err r = web_window(c, &win, f);

	if (r != Q_OK)
		return r;
	scan.after = win.after;
	scan.limit = scan.most = win.limit;
	rec_scan_begin(&scan, &it);
	items = web_array();
	while ((r = rec_scan_next(&scan, &it, &t, f)) == Q_OK) {
		r = token_json(c, &t, &o, f);
		if (r != Q_OK)
			break;
		scan.found++;
		web_push(items, o);
	}
	r = rec_scan_end(&scan, r);
	rs->secret = true;
	if (r == Q_OK)
		return web_reply(rs, 200, web_items(items, scan.next));
	json_object_put(items);
	return r;
}

static enum q_err
answer(struct web_call *c, const char *name, int status,
    struct http_response *rs, struct fault *f)
{
	struct rec_token t;
	struct json_object *o;
	enum q_err r = rec_key_check(rec_desc(REC_TOKEN), name, NULL);

	if (r == Q_OK)
		r = rec_token_get(c->web->recordd, name, &t, f);
	if (r == Q_INVALID || r == Q_NOTFOUND)
		return fault_set(f, Q_NOTFOUND, "no token %.64s", name);
	if (r == Q_OK)
		r = token_json(c, &t, &o, f);
	rs->secret = true;
	return r == Q_OK ? web_reply_rev(rs, status, o, t.rev) : r;
}

static enum q_err
token_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	return answer(c, c->param[0], 200, rs, f);
}

/* Where the form has what is wrong. */
static enum q_err
wrong(struct web_call *c, const struct rec_token *t, enum q_err r,
    struct fault *f)
{
	const char *at = "/not_after";
	char text[sizeof(f->msg)];

	if (r != Q_INVALID && r != Q_NOTFOUND && r != Q_EXISTS)
		return r;
	snprintf(text, sizeof(text), "%s", fault_text(f, r));
	if (r == Q_NOTFOUND)
		at = "/batch";
	else if (r == Q_EXISTS || rec_key_check(rec_desc(REC_TOKEN), t->key,
	    NULL) != Q_OK)
		at = "/name";
	else if (t->not_before % DAY != 0)
		at = "/not_before";
	(void)web_wrong(c, f, at, "%s", text);
	return fault_set(f, r == Q_EXISTS ? r : Q_INVALID, "%s", text);
}

static enum q_err
tokens_post(struct web_call *c, struct http_response *rs, struct fault *f)
{
	const struct rec_sealer sealer = { seal, c->web->signd };
	struct rec_token t = { .not_after = web_time(c, "not_after", 0) };
	char value[REC_TOKEN_VALUE + 1];
	enum q_err r;

	t.not_before = web_time(c, "not_before", clock_wall() / DAY * DAY);
	snprintf(t.key, sizeof(t.key), "%s", web_text(c, "name", ""));
	snprintf(t.batch, sizeof(t.batch), "%s", web_text(c, "batch", ""));
	r = rec_token_create(c->web->recordd, &t, &sealer, &c->by, value, f);
	if (r != Q_OK)
		return wrong(c, &t, r, f);
	OPENSSL_cleanse(value, sizeof(value));
	return answer(c, t.key, 201, rs, f);
}

static enum q_err
token_delete(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct rec_token t;
	enum q_err r = rec_key_check(rec_desc(REC_TOKEN), c->param[0], NULL);

	if (r == Q_OK)
		r = rec_token_get(c->web->recordd, c->param[0], &t, f);
	if (r == Q_INVALID || r == Q_NOTFOUND)
		return fault_set(f, Q_NOTFOUND, "no token %.64s",
		    c->param[0]);
	if (r == Q_OK)
		r = web_if_match(c, t.rev, f);
	if (r == Q_OK)
		r = rec_token_remove(c->web->recordd, t.key, &c->by, f);
	rs->status = 204;
	return r;
}

#define LIST "/api/v1/tokens"
#define ONE LIST "/{name}"
static const struct web_route tokens_routes[] = {
	{ "GET", LIST, WEB_USER, WEB_SCOPE_READ, 0, &window_query, NULL, 200,
	    &tokens_shape, tokens_get, "All tokens" },
	{ "POST", LIST, WEB_ADMIN, WEB_SCOPE_HSM, 0, NULL, &create_shape, 201,
	    &token_shape, tokens_post,
	    "Make a token that lets devices into a batch" },
	{ "GET", ONE, WEB_USER, WEB_SCOPE_READ, 0, NULL, NULL, 200,
	    &token_shape, token_get, "One token" },
	{ "DELETE", ONE, WEB_ADMIN, WEB_SCOPE_HSM, 0, NULL, NULL, 204, NULL,
	    token_delete, "It opens nothing from now on" },
};

WEB_PAGE(tokens, "Tokens that devices enrol with", tokens_routes);
