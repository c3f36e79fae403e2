// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "http/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/own.h"

/* json-c keeps the last of two members with one name and, strict or not,
 * takes 'names' and NaN. So the text, which is known to be well-formed
 * otherwise by then, is walked once more. */
struct walk {
	const char *p;
	const char *end;
};

#define NAMES_MAX 256 /* members of one object */

struct name {
	const char *p;
	size_t len;
};

/* Behind the string that starts at w->p. */
static struct name
walk_string(struct walk *w)
{
	struct name s = { ++w->p, 0 };

	while (w->p < w->end && *w->p != '"')
		w->p += *w->p == '\\' && w->p + 1 < w->end ? 2 : 1;
	s.len = (size_t)(w->p - s.p);
	w->p++;
	return s;
}

/* Behind the next of these bytes that is outside of strings. */
static char
walk_to(struct walk *w, const char *stops)
{
	while (w->p < w->end) {
		if (*w->p == '"')
			walk_string(w);
		else if (strchr(stops, *w->p++) != NULL)
			return w->p[-1];
	}
	return '\0';
}

/* Names of the object that starts at w->p: plain and all different. An
 * escape in a name could hide a double, so there may be none. */
static enum q_err
names_check(struct walk w, struct fault *f)
{
	struct name seen[NAMES_MAX];
	size_t n = 0;
	unsigned depth = 0;
	bool name_next = true;

	for (w.p++; w.p < w.end; ) {
		char c = *w.p;

		if (c == '"' && depth == 0 && name_next) {
			struct name s = walk_string(&w);

			if (n == NAMES_MAX)
				return fault_set(f, Q_INVALID,
				    "JSON object has too many members");
			if (memchr(s.p, '\\', s.len) != NULL)
				return fault_set(f, Q_INVALID,
				    "JSON name with an escape");
			for (size_t i = 0; i < n; i++)
				if (seen[i].len == s.len &&
				    memcmp(seen[i].p, s.p, s.len) == 0)
					return fault_set(f, Q_INVALID,
					    "JSON name comes twice: %.*s",
					    (int)(s.len < 60 ? s.len : 60),
					    s.p);
			seen[n++] = s;
			name_next = false;
			continue;
		}
		if (c == '"') {
			walk_string(&w);
			continue;
		}
		if ((c == '}' || c == ']') && depth-- == 0)
			return Q_OK;
		depth += c == '{' || c == '[';
		name_next |= c == ',' && depth == 0;
		w.p++;
	}
	return Q_OK;
}

static enum q_err
doubles_check(struct bytes text, struct fault *f)
{
	struct walk w = { (const char *)text.p,
		(const char *)text.p + text.len };

	while (walk_to(&w, "{") != '\0') {
		struct walk object = { w.p - 1, w.end };
		enum q_err e = names_check(object, f);

		if (e != Q_OK)
			return e;
	}
	return Q_OK;
}

/* The UTF-16 unit of the escape at p; -1: there is none. */
static int
unit_at(const char *p, const char *end)
{
	char hex[5] = "";
	uint8_t unit[2];

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	memcpy(hex, p + 2, 4);
	return hex_decode(hex, unit, sizeof(unit)) ? unit[0] << 8 | unit[1]
						   : -1;
}

/* Half of a surrogate pair is no character (RFC 8259 8.2): json-c would put
 * another one in its place. */
static enum q_err
escapes_check(struct name s, struct fault *f)
{
	const char *end = s.p + s.len;

	for (const char *p = s.p; p < end; p++) {
		int unit = unit_at(p, end);

		if (*p != '\\')
			continue;
		if (unit == 0)
			return fault_set(f, Q_INVALID, "NUL in JSON");
		if (unit >= 0xd800 && unit < 0xe000) {
			int low = unit_at(p + 6, end);

			if (unit >= 0xdc00 || low < 0xdc00 || low >= 0xe000)
				return fault_set(f, Q_INVALID,
				    "bad JSON: half of a surrogate pair");
			p += 6;
		}
		p++;
	}
	return Q_OK;
}

/* Outside of strings only what JSON knows, and no control character in. */
static enum q_err
letters_check(struct bytes text, struct fault *f)
{
	struct walk w = { (const char *)text.p,
		(const char *)text.p + text.len };
	enum q_err e;

	while (w.p < w.end) {
		if (*w.p != '"') {
			if (strchr("{}[],:0123456789+-.eEtrufalsn \t\r\n",
				*w.p++) == NULL)
				return fault_set(f, Q_INVALID,
				    "bad JSON: unexpected character");
			continue;
		}
		struct name s = walk_string(&w);

		for (size_t i = 0; i < s.len; i++)
			if ((unsigned char)s.p[i] < 0x20)
				return fault_set(f, Q_INVALID,
				    "bad JSON: control character in a string");
		e = escapes_check(s, f);
		if (e != Q_OK)
			return e;
	}
	return Q_OK;
}

static bool
blank_from(struct bytes text, size_t at)
{
	while (at < text.len && strchr(" \t\r\n", text.p[at]) != NULL)
		at++;
	return at == text.len;
}

/* The parser collects each string in one buffer of its own, secrets, too. One
 * as long as the whole text goes through it before, so that it never moves,
 * and behind, over all that is left in it. */
static bool
tokener_fill(struct json_tokener *tok, const char *filler, size_t len)
{
	struct json_object *o;

	json_tokener_reset(tok);
	o = json_tokener_parse_ex(tok, filler, (int)len);
	json_object_put(o);
	return o != NULL;
}

static enum q_err
parse(struct json_tokener *tok, struct bytes text,
    struct json_object **ret_obj, size_t *ret_used, struct fault *f)
{
	size_t len = text.len + 2;
	AUTO_FREE char *filler = malloc(len);
	enum json_tokener_error je;

	if (filler == NULL)
		return Q_NOMEM;
	memset(filler, 'x', len);
	filler[0] = filler[len - 1] = '"';
	if (!tokener_fill(tok, filler, len))
		return Q_NOMEM;
	json_tokener_reset(tok);
	*ret_obj = json_tokener_parse_ex(tok, (const char *)text.p,
	    (int)text.len);
	je = json_tokener_get_error(tok);
	*ret_used = json_tokener_get_parse_end(tok);
	(void)!tokener_fill(tok, filler, len);
	return je == json_tokener_success ? Q_OK
	    : fault_set(f, Q_INVALID, "bad JSON: %s",
		  je == json_tokener_continue ? "it ends too early"
					      : json_tokener_error_desc(je));
}

static enum q_err
text_check(struct bytes text, size_t used, struct json_object *o,
    struct fault *f)
{
	enum q_err e;

	if (!json_object_is_type(o, json_type_object))
		return fault_set(f, Q_INVALID, "no JSON object");
	if (memchr(text.p, '\0', text.len) != NULL)
		return fault_set(f, Q_INVALID, "NUL in JSON");
	if (!blank_from(text, used))
		return fault_set(f, Q_INVALID, "bytes behind the JSON object");
	e = letters_check(text, f);
	return e == Q_OK ? doubles_check(text, f) : e;
}

enum q_err
http_json_parse(struct bytes text, struct json_object **ret_obj,
    struct fault *f)
{
	struct json_tokener *tok;
	struct json_object *o = NULL;
	size_t used = 0;
	enum q_err e;

	if (text.len == 0 || text.len > INT32_MAX / 2)
		return fault_set(f, Q_INVALID, "no JSON object");
	tok = json_tokener_new_ex(HTTP_JSON_DEPTH);
	if (tok == NULL)
		return Q_NOMEM;
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT |
	    JSON_TOKENER_VALIDATE_UTF8 | JSON_TOKENER_ALLOW_TRAILING_CHARS);
	e = parse(tok, text, &o, &used, f);
	json_tokener_free(tok);
	if (e == Q_OK)
		e = text_check(text, used, o, f);
	if (e == Q_OK)
		*ret_obj = o;
	else
		http_json_forget(o);
	return e;
}

static void
strings_wipe(struct json_object *o)
{
	switch (json_object_get_type(o)) {
	case json_type_string:
		explicit_bzero((void *)(uintptr_t)json_object_get_string(o),
		    (size_t)json_object_get_string_len(o));
		return;
	case json_type_array:
		for (size_t i = 0; i < json_object_array_length(o); i++)
			strings_wipe(json_object_array_get_idx(o, i));
		return;
	case json_type_object: {
		json_object_object_foreach(o, name, value) {
			(void)name;
			strings_wipe(value);
		}
		return;
	}
	default:
		return;
	}
}

void
http_json_forget(struct json_object *o)
{
	strings_wipe(o);
	json_object_put(o);
}

enum q_err
http_json_body(const struct http_request *rq, struct json_object **ret_obj,
    struct fault *f)
{
	if (strcmp(rq->content_type, HTTP_JSON) != 0)
		return fault_set(f, Q_TYPE, "Content-Type must be %s",
		    HTTP_JSON);
	return http_json_parse(rq->body, ret_obj, f);
}

enum q_err
http_json_text(struct json_object *obj, const char *name, size_t max,
    const char **ret_text, struct fault *f)
{
	struct json_object *v;

	if (!json_object_object_get_ex(obj, name, &v))
		return fault_set(f, Q_NOTFOUND, "no member \"%s\"", name);
	if (!json_object_is_type(v, json_type_string))
		return fault_set(f, Q_INVALID, "\"%s\" is no string", name);
	if ((size_t)json_object_get_string_len(v) > max)
		return fault_set(f, Q_INVALID, "\"%s\" is over %zu bytes",
		    name, max);
	*ret_text = json_object_get_string(v);
	return Q_OK;
}

enum q_err
http_json_reply(struct http_response *rs, int status,
    struct json_object *obj)
{
	size_t len;
	const char *text = json_object_to_json_string_length(obj,
	    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);

	if (text == NULL)
		return Q_NOMEM;
	rs->status = status;
	rs->content_type = HTTP_JSON;
	buf_put(&rs->body, text, len);
	buf_put(&rs->body, "\n", 1);
	return rs->body.bad ? Q_TOOBIG : Q_OK;
}
