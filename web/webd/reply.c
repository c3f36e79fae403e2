// SPDX-License-Identifier: Apache-2.0
/* Answers, and what handlers read of calls. */
#include "config.h"

#include "webd/web.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"

static struct json_object *
must(struct json_object *o)
{
	if (o == NULL)
		log_fatal("out of memory");
	return o;
}

struct json_object *
web_object(void)
{
	return must(json_object_new_object());
}

struct json_object *
web_array(void)
{
	return must(json_object_new_array());
}

void
web_push(struct json_object *array, struct json_object *taken)
{
	if (json_object_array_add(array, must(taken)) != 0)
		log_fatal("out of memory");
}

void
web_put_obj(struct json_object *o, const char *name,
    struct json_object *taken)
{
	if (json_object_object_add(o, name, must(taken)) != 0)
		log_fatal("out of memory");
}

void
web_put(struct json_object *o, const char *name, const char *text)
{
	web_put_obj(o, name, json_object_new_string(text));
}

void
web_put_int(struct json_object *o, const char *name, int64_t value)
{
	web_put_obj(o, name, json_object_new_int64(value));
}

void
web_put_bool(struct json_object *o, const char *name, bool value)
{
	web_put_obj(o, name, json_object_new_boolean(value));
}

void
web_put_time(struct json_object *o, const char *name, int64_t t)
{
	char text[24];

	if (t == 0)
		return;
	time_format(t, text);
	web_put(o, name, text);
}

void
web_put_etag(struct json_object *o, uint64_t rev)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, rev);
	web_put(o, "etag", text);
}

enum q_err
web_reply(struct http_response *rs, int status, struct json_object *obj)
{
	enum q_err r;

	if (obj == NULL)
		return Q_NOMEM;
	r = http_json_reply(rs, status, obj);
	json_object_put(obj);
	return r;
}

enum q_err
web_reply_rev(struct http_response *rs, int status, struct json_object *obj,
    uint64_t rev)
{
	char text[32];

	snprintf(text, sizeof(text), "\"%" PRIu64 "\"", rev);
	http_response_header(rs, "ETag", text);
	return web_reply(rs, status, obj);
}

struct json_object *
web_items(struct json_object *items, const char *next)
{
	struct json_object *o = web_object();

	web_put_obj(o, "items", items);
	if (next[0] != '\0')
		web_put(o, "next", next);
	return o;
}

struct json_object *
web_record(const struct shape *shape, const struct rec_desc *d,
    const void *rec)
{
	const struct rec_head *head = rec;
	struct json_object *o = must(rec_to_json(d, rec));
	char name[32];

	for (const char *s = shape->hide; s != NULL && *s != '\0'; ) {
		size_t n = strcspn(s, " ");

		snprintf(name, sizeof(name), "%.*s", (int)n, s);
		json_object_object_del(o, name);
		s += n + strspn(s + n, " ");
	}
	web_put_etag(o, head->rev);
	return o;
}

enum q_err
web_wrong(struct web_call *c, struct fault *f, const char *pointer,
    const char *fmt, ...)
{
	struct json_object *o = web_object();
	char text[sizeof(f->msg)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	web_put(o, "pointer", pointer);
	web_put(o, "detail", text);
	if (c->wrong == NULL)
		c->wrong = web_array();
	web_push(c->wrong, o);
	return fault_set(f, Q_INVALID, "%s", text);
}

enum q_err
web_if_match(const struct web_call *c, uint64_t rev, struct fault *f)
{
	if (c->if_match == 0 || c->if_match == rev)
		return Q_OK;
	return fault_set(f, Q_STALE, "somebody has changed it meanwhile: "
	    "look at it again");
}

static struct json_object *
member(const struct web_call *c, const char *name)
{
	struct json_object *v = NULL;

	if (c->in != NULL)
		json_object_object_get_ex(c->in, name, &v);
	return v;
}

bool
web_has(const struct web_call *c, const char *name)
{
	return member(c, name) != NULL;
}

const char *
web_text(const struct web_call *c, const char *name, const char *absent)
{
	struct json_object *v = member(c, name);

	return v != NULL ? json_object_get_string(v) : absent;
}

void
web_text_take(const struct web_call *c, const char *name, char *field,
    size_t cap)
{
	struct json_object *v = member(c, name);

	if (v != NULL)
		snprintf(field, cap, "%s", json_object_get_string(v));
}

int64_t
web_int(const struct web_call *c, const char *name, int64_t absent)
{
	struct json_object *v = member(c, name);

	return v != NULL ? json_object_get_int64(v) : absent;
}

bool
web_bool(const struct web_call *c, const char *name, bool absent)
{
	struct json_object *v = member(c, name);

	return v != NULL ? json_object_get_boolean(v) : absent;
}

int64_t
web_time(const struct web_call *c, const char *name, int64_t absent)
{
	const char *text = web_text(c, name, NULL);
	int64_t t = 0;

	if (text == NULL)
		return absent;
	return text[0] != '\0' && web_time_parse(text, &t) == Q_OK ? t : 0;
}

struct json_object *
web_list(const struct web_call *c, const char *name)
{
	return member(c, name);
}

enum q_err
web_time_parse(const char *text, int64_t *ret_t)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	char again[24];
	int64_t t;

	if (end == NULL || strcmp(end, "Z") != 0 || tm.tm_year < 70 ||
	    tm.tm_year > 8000)
		return Q_INVALID;
	t = timegm(&tm);
	time_format(t, again);
	if (strcmp(again, text) != 0)
		return Q_INVALID; /* the 30th of February */
	*ret_t = t;
	return Q_OK;
}

enum q_err
web_query(const struct web_call *c, const char *name, char *out, size_t cap,
    struct fault *f)
{
	const struct shape_field *fd = shape_field(c->route->query, name);
	enum q_err r = http_query(c->rq, name, out, cap);

	out[0] = r == Q_OK ? out[0] : '\0';
	if (r == Q_NOTFOUND || (r == Q_OK && out[0] == '\0'))
		return Q_OK;
	if (r != Q_OK)
		return fault_set(f, Q_INVALID, "%s: malformed or too long",
		    name);
	return shape_check_text(fd, out, f);
}

enum q_err
web_query_int(const struct web_call *c, const char *name, int64_t absent,
    int64_t *ret_value, struct fault *f)
{
	char text[24];
	enum q_err r = web_query(c, name, text, sizeof(text), f);

	if (r == Q_OK)
		*ret_value = text[0] != '\0' ? strtoll(text, NULL, 10)
		    : absent;
	return r;
}

enum q_err
web_query_time(const struct web_call *c, const char *name, int64_t absent,
    int64_t *ret_value, struct fault *f)
{
	char text[32];
	enum q_err r = web_query(c, name, text, sizeof(text), f);

	if (r == Q_OK && text[0] != '\0')
		return web_time_parse(text, ret_value);
	*ret_value = absent;
	return r;
}

enum q_err
web_window(const struct web_call *c, struct web_window *ret_win,
    struct fault *f)
{
	int64_t limit = WEB_LIMIT;
	enum q_err r = web_query_int(c, "limit", WEB_LIMIT, &limit, f);

	if (r == Q_OK)
		r = web_query(c, "after", ret_win->after,
		    sizeof(ret_win->after), f);
	ret_win->limit = (uint32_t)limit;
	return r;
}

enum q_err
web_note(struct web_call *c, const char *what, const char *object,
    struct fault *f)
{
	return rec_actor_note(c->web->recordd, &c->by, what, object, f);
}
