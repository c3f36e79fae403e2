// SPDX-License-Identifier: Apache-2.0
#ifndef WEBD_WEB_H
#define WEBD_WEB_H

/*
 * The web administration's frame: what a page's routes are written against.
 * A page is one C file with a table of routes and the shapes they take and
 * give; pages.h lists the tables. dispatch.c stands before every handler: it
 * finds out who asks, holds the call to role, scope, CSRF and shape, and
 * answers every error as a problem (RFC 9457).
 */
#include <json-c/json.h>

#include "base/conf.h"
#include "http/http.h"
#include "http/json.h"
#include "records/actions.h"
#include "records/client.h"
#include "signer/signer.h"
#include "webd/shape.h"

struct http_events;
struct web_call;
struct live;
struct gate;
struct settings;
struct ui;

/* What all calls share. Everything in it is safe for threads. */
struct web {
	const struct conf *conf;
	struct wire_client *recordd, *signd;
	struct http_events *events; /* browsers that listen */
	struct live *live; /* what they are told */
	struct gate *gate; /* limits of log-ins, captchas, second steps */
	struct settings *settings; /* what people have set, cached */
	struct ui *ui; /* the browser's side */
	/* All pages' routes as the HTTP server wants them, behind them the
	 * UI's; and the row of each. */
	struct http_route *routes;
	const struct web_route **rows;
	size_t n_routes;
};

/* Who may call a route. The guide's contributor has no Users, no Firmwares
 * and no Settings. */
enum web_access {
	WEB_PUBLIC, /* nobody is asked who it is */
	WEB_USER, /* every user */
	WEB_ADMIN, /* administrators */
};

/* What an API token may do; kept in records as bits. */
#define WEB_SCOPES(X)                                                     \
	X(READ, 0, "read", "read everything its user may")                \
	X(DEVICES, 1, "devices", "change batches and devices")            \
	X(POLICIES, 2, "policies", "change policies")                     \
	X(HSM, 3, "hsm", "change keys, tokens and Auth Certs")            \
	X(SIGN, 4, "sign", "have firmware signed")                        \
	X(USERS, 5, "users", "change users")                              \
	X(SETTINGS, 6, "settings", "change settings")

enum web_scope {
#define X(name, bit, text, help) WEB_SCOPE_##name = 1 << (bit),
	WEB_SCOPES(X)
#undef X
	WEB_SESSION = 0, /* of a route: people only, no API token */
};

enum web_flag {
	WEB_PLAIN = 0,
	WEB_STREAM = 1, /* the handler reads the body: http_body_read() */
	WEB_RAW = 2, /* answers something else than JSON */
};

typedef enum q_err web_handler(struct web_call *c, struct http_response *rs,
    struct fault *f);

struct web_route {
	const char *method;
	const char *path; /* "/api/v1/batches/{name}" */
	enum web_access access;
	unsigned scope; /* one enum web_scope */
	unsigned flags; /* enum web_flag */
	const struct shape *query; /* parameters behind the "?"; or NULL */
	const struct shape *in; /* the body; NULL: none */
	int status; /* when it goes well */
	const struct shape *out; /* the answer; NULL: none, or WEB_RAW */
	web_handler *handler;
	const char *text; /* what it does, one sentence */
	uint64_t body_max; /* of WEB_STREAM */
	const char *media; /* of WEB_RAW answers: "text/csv" */
	int also; /* another good status, without a body */
};

struct web_page {
	const char *name;
	const char *text;
	const struct web_route *routes;
	size_t n;
};

/* The user behind a call. */
struct web_user {
	char name[REC_KEY_MAX + 1]; /* "": nobody */
	bool admin;
	unsigned scopes; /* all, in a browser's session */
	char session[REC_KEY_MAX + 1]; /* its record's key, or "" */
	char token[REC_KEY_MAX + 1]; /* id of the API token, or "" */
};

struct web_call {
	struct web *web;
	const struct http_request *rq;
	const struct web_route *route;
	const char *param[HTTP_PARAMS_MAX];
	struct web_user user;
	struct rec_actor by; /* the user, for records/actions.h */
	struct json_object *in; /* checked by route->in; or NULL */
	uint64_t if_match; /* revision; 0: none was given */
	struct json_object *wrong; /* problems with members; web_wrong() */
	size_t wrong_count; /* problems in all, when not all are told */
	const char *problem; /* type of the problem; NULL: about:blank */
	char csrf[48]; /* of the session */
	int64_t until; /* when it ends */
};

/* Answer with obj, which is taken over (NULL: out of memory). */
enum q_err web_reply(struct http_response *rs, int status,
    struct json_object *obj) Q_CHECKED;

/* The same with the ETag of a record's revision. */
enum q_err web_reply_rev(struct http_response *rs, int status,
    struct json_object *obj, uint64_t rev) Q_CHECKED;

/* Say what is wrong with a member of the body, for the form that sent it:
 * returns INVALID with the text in f. pointer: "/name". */
enum q_err web_wrong(struct web_call *c, struct fault *f,
    const char *pointer, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* STALE when the caller named a revision that is not rev. */
enum q_err web_if_match(const struct web_call *c, uint64_t rev,
    struct fault *f) Q_CHECKED;

/* Members of the body, which has been checked: text and numbers. */
bool web_has(const struct web_call *c, const char *name);
const char *web_text(const struct web_call *c, const char *name,
    const char *absent);
int64_t web_int(const struct web_call *c, const char *name, int64_t absent);
bool web_bool(const struct web_call *c, const char *name, bool absent);
int64_t web_time(const struct web_call *c, const char *name, int64_t absent);
struct json_object *web_list(const struct web_call *c, const char *name);

/* A member's text into a field of a record; without it the field stays. */
void web_text_take(const struct web_call *c, const char *name, char *field,
    size_t cap);

/* Query parameters, checked by route->query. Text into out[cap]; "" when
 * there is none. */
enum q_err web_query(const struct web_call *c, const char *name, char *out,
    size_t cap, struct fault *f) Q_CHECKED;
enum q_err web_query_int(const struct web_call *c, const char *name,
    int64_t absent, int64_t *ret_value, struct fault *f) Q_CHECKED;
enum q_err web_query_time(const struct web_call *c, const char *name,
    int64_t absent, int64_t *ret_value, struct fault *f) Q_CHECKED;

/* Paging: what every list takes. */
#define WEB_LIMIT 100
#define WEB_LIMIT_MAX 1000
#define WEB_WINDOW_FIELDS                                                   \
    { "limit", SHAPE_INT, 1, WEB_LIMIT_MAX, 0, "so many at most" },         \
    { "after", SHAPE_STR, 0, RECORDD_CURSOR_MAX, 0,                         \
	"next of the page before" }
struct web_window {
	uint32_t limit;
	char after[RECORDD_CURSOR_MAX + 1];
};
enum q_err web_window(const struct web_call *c, struct web_window *ret_win,
    struct fault *f) Q_CHECKED;

/* {"items": items, "next": next}; takes items over. next "": the end. */
struct json_object *web_items(struct json_object *items, const char *next);

/* A record as JSON with its etag, without the members that shape hides. */
struct json_object *web_record(const struct shape *shape,
    const struct rec_desc *d, const void *rec);

/* Members, by copy; times are left out when 0. Out of memory ends the
 * process: answers are small and there is nothing to lose. */
void web_put(struct json_object *o, const char *name, const char *text);
void web_put_int(struct json_object *o, const char *name, int64_t value);
void web_put_bool(struct json_object *o, const char *name, bool value);
void web_put_time(struct json_object *o, const char *name, int64_t t);
void web_put_etag(struct json_object *o, uint64_t rev);
void web_put_obj(struct json_object *o, const char *name,
    struct json_object *taken);
struct json_object *web_object(void);
struct json_object *web_array(void);
void web_push(struct json_object *array, struct json_object *taken);

/* RFC 3339 in UTC, as in answers. INVALID. */
enum q_err web_time_parse(const char *text, int64_t *ret_t) Q_CHECKED;

/* Who did what, for a change that no action of records/ has noted. */
enum q_err web_note(struct web_call *c, const char *what, const char *object,
    struct fault *f) Q_CHECKED;

#endif
