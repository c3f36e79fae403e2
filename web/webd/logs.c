// SPDX-License-Identifier: Apache-2.0
/* Logs (guide 15): who did what, newest first. */
#include "config.h"

#include "webd/logs.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/codec.h"
#include "webd/pages.h"

#define SCAN_MAX 2500 /* records that one request looks at */
#define EXPORT_PAGE 1000

SHAPE(log_shape, "LogItem",
    { "id", SHAPE_STR, 0, 100, SHAPE_NEED, "in order of time" },
    { "at", SHAPE_TIME, 0, 0, SHAPE_NEED, "when" },
    { "who", SHAPE_STR, 0, 100, SHAPE_NEED, "user; \"\": the device itself" },
    { "from", SHAPE_STR, 0, 64, SHAPE_NEED, "address it came from" },
    { "what", SHAPE_STR, 0, 64, SHAPE_NEED, "kind" },
    { "object", SHAPE_STR, 0, 128, SHAPE_NEED, "to what" },
    { "detail", SHAPE_STR, 0, 256, SHAPE_NEED, "more about it" },
    { "message", SHAPE_STR, 0, 600, SHAPE_NEED, "the whole, in words" },
);
SHAPE_PAGE(logs_shape, "Logs", log_shape);

SHAPE(logs_window_shape, "LogsWindow", WEB_WINDOW_FIELDS);

#define FILTERS                                                             \
    { "from", SHAPE_TIME, 0, 0, 0, "not before" },                          \
    { "to", SHAPE_TIME, 0, 0, 0, "not after" },                             \
    { "user", SHAPE_STR, 0, 64, 0, "who did it" },                          \
    { "kind", SHAPE_STR, 0, 64, 0, "of activity, or how it begins: batch" }, \
    { "object", SHAPE_STR, 0, 128, 0, "to what it was done" },              \
    { "text", SHAPE_STR, 0, 100, 0, "somewhere in it" }

static SHAPE(query_shape, "LogsQuery", FILTERS, WEB_WINDOW_FIELDS);
static SHAPE(export_shape, "LogsExport", FILTERS);

static SHAPE(kinds_shape, "LogKinds",
    { "items", SHAPE_STRS, 0, 64, SHAPE_NEED, "kinds of activity",
	.many = 200 },
);

/*
 * What was done, and how it is said: @ is the object, % the detail. Behind it
 * comes who did it, and from where. Kinds that are not here are said as they
 * are.
 */
static const struct {
	const char *what, *says;
} table[] = {
	{ "api token create", "API token @ created" },
	{ "api token delete", "API token @ revoked" },
	{ "approval give", "Approval @ given" },
	{ "approval withdraw", "Request for approval @ withdrawn" },
	{ "approval request", "Approval @ asked for" },
	{ "auth cert add", "Auth Cert @ added" },
	{ "auth cert remove", "Auth Cert @ removed" },
	{ "batch add", "Devices added to batch @" },
	{ "batch create", "Batch @ created" },
	{ "batch delete", "Batch @ deleted" },
	{ "batch edit", "Batch @ changed" },
	{ "batch recount", "Devices of batch @ counted" },
	{ "certificate revoke", "Certificate @ revoked" },
	{ "config name", "The appliance is now called @" },
	{ "device add", "Device @ added" },
	{ "device allow", "Device @ allowed again" },
	{ "device approve", "Device @ approved" },
	{ "device delete", "Device @ deleted" },
	{ "device enrol", "Device @ enrolled successfully" },
	{ "device move", "Device @ moved" },
	{ "device renew", "Device @ renewed its certificate" },
	{ "device revoke", "Device @ revoked" },
	{ "first link", "Link for the first administrator made" },
	{ "hsm init", "PKI of @ made" },
	{ "hsm key cert", "Certificate of key @ changed" },
	{ "hsm key create", "Signing key @ created" },
	{ "hsm key delete", "Signing key @ deleted" },
	{ "hsm key edit", "Rules of signing key @ changed" },
	{ "hsm key import", "Signing key @ imported" },
	{ "hsm root renew", "OEM Root replaced by @" },
	{ "mail test", "Test mail sent to @" },
	{ "password change", "Password of user @ changed" },
	{ "password reset", "Password of user @ set by a link" },
	{ "policy create", "Policy @ created" },
	{ "policy delete", "Policy @ deleted" },
	{ "policy edit", "Policy @ changed" },
	{ "profile edit", "Profile of user @ changed" },
	{ "recovery codes", "New recovery codes for user @" },
	{ "second factor off", "Second factor of user @ turned off" },
	{ "second factor on", "Second factor of user @ turned on" },
	{ "session end", "A session of user @ ended" },
	{ "settings edit", "Settings changed: @" },
	{ "tls certificate ends", "Certificate of the administration" },
	{ "tls certificate remove",
	    "Certificate of the administration removed" },
	{ "tls certificate set",
	    "Certificate of the administration installed" },
	{ "tls csr", "Request for a certificate of the administration made" },
	{ "token create", "Token @ created" },
	{ "token remove", "Token @ removed" },
	{ "user create", "User @ created" },
	{ "user delete", "User @ deleted" },
	{ "user disable", "User @ disabled" },
	{ "user edit", "User @ changed" },
	{ "user enable", "User @ enabled" },
	{ "user invite", "Invitation for @ made" },
	{ "user login", "User @ logged in" },
	{ "user login failed", "Log-in of user @ failed" },
	{ "user logout", "User @ logged out" },
	{ "user reset", "Password link for user @ made" },
	{ "user second factor off", "Second factor of user @ taken away" },
	{ "user sessions end", "All sessions of user @ ended" },
	{ "user signup", "Sign-up link sent to @" },
};

void
log_message(const struct rec_activity *a, struct buf *out)
{
	const char *says = NULL, *at;

	for (size_t i = 0; says == NULL && i < ARRAY_LEN(table); i++)
		if (strcmp(table[i].what, a->what) == 0)
			says = table[i].says;
	at = says != NULL ? strchr(says, '@') : NULL;
	if (says == NULL)
		buf_printf(out, "%s %s", a->what, a->object);
	else if (at == NULL)
		buf_puts(out, says);
	else
		buf_printf(out, "%.*s%s%s", (int)(at - says), says,
		    a->object, at + 1);
	if (a->detail[0] != '\0')
		buf_printf(out, ": %s", a->detail);
	if (a->who[0] != '\0' && strcmp(a->who, a->object) != 0)
		buf_printf(out, " by %s", a->who);
}

struct json_object *
log_json(const struct rec_activity *a)
{
	AUTO_BUF struct buf text = BUF_INIT(1024);
	struct json_object *o = web_object();

	log_message(a, &text);
	web_put(o, "id", a->key);
	web_put_time(o, "at", a->at);
	web_put(o, "who", a->who);
	web_put(o, "from", a->from);
	web_put(o, "what", a->what);
	web_put(o, "object", a->object);
	web_put(o, "detail", a->detail);
	web_put(o, "message", text.p != NULL ? (const char *)text.p : "");
	return o;
}

static enum q_err
push(void *arg, const struct rec_activity *a)
{
	web_push(arg, log_json(a));
	return Q_OK;
}

enum q_err
logs_answer(struct web_call *c, const struct rec_log_filter *filter,
    struct http_response *rs, struct fault *f)
{
	struct json_object *items = web_array();
	struct rec_scan scan = { .client = c->web->recordd,
		.most = SCAN_MAX };
	struct web_window win;
	enum q_err r = web_window(c, &win, f);

	scan.after = win.after;
	scan.limit = win.limit;
	if (r == Q_OK)
		r = rec_log_page(&scan, filter, push, items, f);
	if (r == Q_OK)
		return web_reply(rs, 200, web_items(items, scan.next));
	json_object_put(items);
	return r;
}

enum q_err
logs_newest(struct web *w, size_t n, struct json_object **ret_items,
    struct fault *f)
{
	struct json_object *items = web_array();
	struct rec_scan scan = { .client = w->recordd, .after = "",
		.limit = n, .most = n };
	const struct rec_log_filter all = { 0 };
	enum q_err r = rec_log_page(&scan, &all, push, items, f);

	if (r == Q_OK)
		*ret_items = items;
	else
		json_object_put(items);
	return r;
}

/* The texts of a filter. */
struct asked {
	char user[65], kind[65], object[129], text[101];
	struct rec_log_filter filter;
};

static enum q_err
asked_take(struct web_call *c, struct asked *a, struct fault *f)
{
	enum q_err r = web_query_time(c, "from", 0, &a->filter.from, f);

	if (r == Q_OK)
		r = web_query_time(c, "to", 0, &a->filter.to, f);
	if (r == Q_OK)
		r = web_query(c, "user", a->user, sizeof(a->user), f);
	if (r == Q_OK)
		r = web_query(c, "kind", a->kind, sizeof(a->kind), f);
	if (r == Q_OK)
		r = web_query(c, "object", a->object, sizeof(a->object), f);
	if (r == Q_OK)
		r = web_query(c, "text", a->text, sizeof(a->text), f);
	a->filter.who = a->user;
	a->filter.what = a->kind;
	a->filter.object = a->object;
	a->filter.text = a->text;
	return r;
}

static enum q_err
logs_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct asked a = { .filter = { 0 } };
	enum q_err r = asked_take(c, &a, f);

	return r == Q_OK ? logs_answer(c, &a.filter, rs, f) : r;
}

static enum q_err
kinds_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct json_object *items = web_array();

	(void)c;
	(void)f;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		web_push(items, json_object_new_string(table[i].what));
	return web_reply(rs, 200, web_items(items, ""));
}

/* --- exports --------------------------------------------------------------- */

void
csv_cell(struct buf *out, const char *text)
{
	const char *first = text + strspn(text, " \t\r\n");

	buf_puts(out, ",\"");
	if (*first != '\0' && strchr("=+-@", *first) != NULL)
		buf_puts(out, "'");
	for (; *text != '\0'; text++) {
		if (*text == '"')
			buf_puts(out, "\"");
		buf_put(out, text, 1);
	}
	buf_puts(out, "\"");
}

struct export {
	struct wire_client *recordd;
	struct asked asked;
	char after[REC_KEY_MAX + 1];
	bool json, begun, any;
	struct buf *to;
};

static enum q_err
export_item(void *arg, const struct rec_activity *a)
{
	AUTO_BUF struct buf text = BUF_INIT(1024);
	struct export *e = arg;
	struct json_object *o;
	char at[24];

	if (e->json) {
		o = log_json(a);
		buf_printf(e->to, "%s%s", e->any ? ",\n" : "",
		    json_object_to_json_string_ext(o,
		    JSON_C_TO_STRING_PLAIN));
		json_object_put(o);
		e->any = true;
		return Q_OK;
	}
	log_message(a, &text);
	time_format(a->at, at);
	buf_puts(e->to, at);
	csv_cell(e->to, a->who);
	csv_cell(e->to, a->from);
	csv_cell(e->to, a->what);
	csv_cell(e->to, a->object);
	csv_cell(e->to, a->detail);
	csv_cell(e->to, text.p != NULL ? (const char *)text.p : "");
	buf_puts(e->to, "\r\n");
	return Q_OK;
}

static enum q_err
export_more(void *ctx, struct buf *piece, bool *ret_end)
{
	struct export *e = ctx;
	struct rec_scan scan = { .client = e->recordd, .limit = EXPORT_PAGE,
		.most = SCAN_MAX, .after = e->after };
	enum q_err r;

	if (!e->begun)
		buf_puts(piece, e->json ? "{\"items\":[\n" :
		    "at,who,from,what,object,detail,message\r\n");
	e->begun = true;
	e->to = piece;
	r = rec_log_page(&scan, &e->asked.filter, export_item, e, NULL);
	snprintf(e->after, sizeof(e->after), "%s", scan.next);
	*ret_end = scan.next[0] == '\0';
	if (*ret_end && e->json)
		buf_puts(piece, "\n]}\n");
	return r;
}

static enum q_err
export(struct web_call *c, bool json, struct http_response *rs,
    struct fault *f)
{
	struct export *e = calloc(1, sizeof(*e));
	enum q_err r;

	if (e == NULL)
		return Q_NOMEM;
	e->recordd = c->web->recordd;
	e->json = json;
	r = asked_take(c, &e->asked, f);
	if (r != Q_OK) {
		free(e);
		return r;
	}
	http_response_header(rs, "Content-Disposition", json
	    ? "attachment; filename=\"logs.json\""
	    : "attachment; filename=\"logs.csv\"");
	rs->content_type = json ? HTTP_JSON : "text/csv; charset=utf-8";
	http_response_stream(rs, export_more, free, e);
	return Q_OK;
}

static enum q_err
logs_csv(struct web_call *c, struct http_response *rs, struct fault *f)
{
	return export(c, false, rs, f);
}

static enum q_err
logs_json(struct web_call *c, struct http_response *rs, struct fault *f)
{
	return export(c, true, rs, f);
}

/* --- the journal of keys --------------------------------------------------- */

static SHAPE(journal_shape, "Journal",
    { "records", SHAPE_INT, 0, INT64_MAX, SHAPE_NEED, "in it" },
    { "head", SHAPE_STR, 0, 64, SHAPE_NEED, "chain hash of the last, hex" },
    { "state", SHAPE_STR, 0, 16, SHAPE_NEED, "ok or unknown" },
    { "text", SHAPE_STR, 0, 300, SHAPE_NEED, "in words" },
);

/* quoin-signd verifies the newest files before it says that it is ready, and
 * adds to them itself from then on. */
static enum q_err
journal_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_status_rsp st;
	struct json_object *o;
	char head[65] = "", text[300];
	enum q_err r = signd_status(c->web->signd,
	    &(struct signd_status_req){ 0 }, &st, &hold, f);

	if (r != Q_OK)
		return r;
	if (st.journal_head.len == 32)
		hex_encode(st.journal_head.p, 32, head);
	snprintf(text, sizeof(text), "Verified up to record %llu: the "
	    "signing daemon has followed the chain of the newest files. "
	    "All of it, against heads that were kept elsewhere, is verified "
	    "on the machine by: quoinctl journal verify --heads FILE",
	    (unsigned long long)st.journal_seq);
	o = web_object();
	web_put_int(o, "records", (int64_t)st.journal_seq);
	web_put(o, "head", head);
	web_put(o, "state", head[0] != '\0' ? "ok" : "unknown");
	web_put(o, "text", text);
	return web_reply(rs, 200, o);
}

#define LOGS "/api/v1/logs"
static const struct web_route logs_routes[] = {
	{ "GET", LOGS, WEB_USER, WEB_SCOPE_READ, 0, &query_shape, NULL, 200,
	    &logs_shape, logs_get, "Activity, newest first; a page may be "
	    "empty and have a next" },
	{ "GET", LOGS ".csv", WEB_USER, WEB_SCOPE_READ, WEB_RAW,
	    &export_shape, NULL, 200, NULL, logs_csv, "The same as a table",
	    .media = "text/csv" },
	{ "GET", LOGS ".json", WEB_USER, WEB_SCOPE_READ, WEB_RAW,
	    &export_shape, NULL, 200, &logs_shape, logs_json,
	    "The same as one list" },
	{ "GET", LOGS "/kinds", WEB_USER, WEB_SCOPE_READ, 0, NULL, NULL, 200,
	    &kinds_shape, kinds_get, "Kinds of activity" },
	{ "GET", "/api/v1/journal", WEB_USER, WEB_SCOPE_READ, 0, NULL, NULL,
	    200, &journal_shape, journal_get,
	    "How the journal of keys stands" },
};

WEB_PAGE(logs, "Who did what", logs_routes);
