// SPDX-License-Identifier: Apache-2.0
/* What stands before every handler of the API. */
#include "config.h"

#include "webd/dispatch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/own.h"
#include "webd/pages.h"
#include "webd/session.h"
#include "webd/ui.h"

/* RFC 9110 13.1.1: one strong entity tag of ours, or "*". */
static enum q_err
if_match_parse(struct web_call *c, struct fault *f)
{
	const char *v = http_header(c->rq, "If-Match");
	char *end;

	if (v == NULL || strcmp(v, "*") == 0)
		return Q_OK;
	if (*v == '"' && v[1] >= '1' && v[1] <= '9') {
		c->if_match = strtoull(v + 1, &end, 10);
		if (strcmp(end, "\"") == 0)
			return Q_OK;
	}
	return fault_set(f, Q_STALE, "If-Match names nothing that ever was");
}

static enum q_err
allowed(const struct web_call *c, struct fault *f)
{
	const struct web_route *r = c->route;

	if (r->access == WEB_ADMIN && !c->user.admin)
		return fault_set(f, Q_DENIED, "administrators only");
	if (c->user.token[0] == '\0')
		return Q_OK;
	if (r->scope == WEB_SESSION)
		return fault_set(f, Q_DENIED, "not with an API token");
	if ((c->user.scopes & r->scope) == 0)
		return fault_set(f, Q_DENIED,
		    "the API token's scopes do not include this");
	return Q_OK;
}

/* The query, too: a parameter that nobody knows, or one that is there twice,
 * is a mistake. */
static enum q_err
query_check(const struct web_call *c, struct fault *f)
{
	const struct shape *known = c->route->query;
	const char *s = c->rq->query;
	uint64_t seen = 0, bit;

	while (*s != '\0') {
		size_t n = strcspn(s, "&"), eq = strcspn(s, "=&");
		const struct shape_field *fd = NULL;
		char name[32];

		snprintf(name, sizeof(name), "%.*s", (int)eq, s);
		if (known != NULL && eq < sizeof(name))
			fd = shape_field(known, name);
		if (n != 0 && fd == NULL)
			return fault_set(f, Q_INVALID,
			    "no query parameter %.31s here", name);
		bit = fd != NULL ? UINT64_C(1) << (fd - known->fields) : 0;
		if ((seen & bit) != 0)
			return fault_set(f, Q_INVALID,
			    "%s is there twice", fd->name);
		seen |= bit;
		s += n;
		s += *s == '&';
	}
	return Q_OK;
}

static enum q_err
body_check(struct web_call *c, struct fault *f)
{
	char pointer[SHAPE_POINTER];
	enum q_err r;

	if (c->route->flags & WEB_STREAM)
		return Q_OK;
	if (c->route->in == NULL)
		return c->rq->body.len == 0 ? Q_OK
		    : fault_set(f, Q_INVALID, "wants no body");
	r = http_json_body(c->rq, &c->in, f);
	if (r != Q_OK)
		return r;
	r = shape_check(c->route->in, c->in, pointer, f);
	if (r != Q_OK)
		return web_wrong(c, f, pointer, "%s", fault_text(f, r));
	return Q_OK;
}

static enum q_err
call(struct web_call *c, struct http_response *rs, struct fault *f)
{
	enum q_err r = session_origin(c->rq, f);

	if (r == Q_OK && c->route->access != WEB_PUBLIC)
		r = session_find(c, f);
	if (r == Q_OK)
		r = allowed(c, f);
	if (r == Q_OK)
		r = query_check(c, f);
	if (r == Q_OK)
		r = if_match_parse(c, f);
	if (r == Q_OK)
		r = body_check(c, f);
	if (r == Q_OK)
		r = c->route->handler(c, rs, f);
	return r;
}

static void
wrong_put(struct web_call *c, struct http_response *rs)
{
	const char *text;

	if (c->problem != NULL)
		rs->problem_type = c->problem;
	if (c->wrong == NULL)
		return;
	text = json_object_to_json_string_ext(c->wrong,
	    JSON_C_TO_STRING_PLAIN);
	buf_printf(&rs->problem_more, "\"errors\":%s", text);
	if (c->wrong_count != 0)
		buf_printf(&rs->problem_more, ",\"error_count\":%zu",
		    c->wrong_count);
}

enum q_err
web_dispatch(void *ctx, const struct http_request *rq,
    struct http_response *rs, struct fault *f)
{
	struct web *w = ctx;
	struct web_call c = { .web = w, .rq = rq,
		.route = w->rows[rq->route - w->routes],
		.by = { "", rq->remote } };
	enum q_err r;

	for (size_t i = 0; i < HTTP_PARAMS_MAX; i++)
		c.param[i] = rq->param[i];
	http_response_header(rs, "Cache-Control", "no-store");
	r = call(&c, rs, f);
	if (r == Q_OK && rs->status == 0)
		rs->status = c.route->status;
	if (r != Q_OK)
		wrong_put(&c, rs);
	if (r == Q_INTERNAL || r == Q_NOMEM || r == Q_IO)
		log_error("%s %s: %s", rq->method, c.route->path,
		    fault_text(f, r));
	http_json_forget(c.in);
	json_object_put(c.wrong);
	return r;
}

static void
route_add(struct web *w, size_t at, const struct web_route *r)
{
	w->rows[at] = r;
	w->routes[at] = (struct http_route){ r->method, r->path, web_dispatch,
		.flags = HTTP_PROBLEM |
		    (r->flags & WEB_STREAM ? HTTP_STREAM : 0),
		.body_max = r->body_max };
}

enum q_err
web_routes_make(struct web *w)
{
	size_t n = 0, at = 0;

	for (size_t i = 0; i < web_n_pages; i++)
		n += web_pages[i]->n;
	w->routes = calloc(n + UI_ROUTES, sizeof(*w->routes));
	w->rows = calloc(n + UI_ROUTES, sizeof(*w->rows));
	if (w->routes == NULL || w->rows == NULL)
		return Q_NOMEM;
	for (size_t i = 0; i < web_n_pages; i++)
		for (size_t j = 0; j < web_pages[i]->n; j++)
			route_add(w, at++, &web_pages[i]->routes[j]);
	memcpy(w->routes + at, ui_routes, sizeof(ui_routes));
	w->n_routes = n + UI_ROUTES;
	return Q_OK;
}
