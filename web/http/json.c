// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "http/json.h"

#include <json-c/printbuf.h>
#include <string.h>

#include "base/codec.h"

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

/* The parser collects each string in one buffer, secrets, too: that is made
 * as large as it can get, so that it never moves, and wiped. */
static void
tokener_free(struct json_tokener *tok)
{
	explicit_bzero(tok->pb->buf, (size_t)tok->pb->size);
	json_tokener_free(tok);
}

static struct json_tokener *
tokener_new(size_t len)
{
	struct json_tokener *tok = json_tokener_new_ex(HTTP_JSON_DEPTH);

	if (tok == NULL)
		return NULL;
	if (printbuf_memset(tok->pb, 0, 0, (int)len) != 0) {
		json_tokener_free(tok);
		return NULL;
	}
	printbuf_reset(tok->pb);
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT |
	    JSON_TOKENER_VALIDATE_UTF8 | JSON_TOKENER_ALLOW_TRAILING_CHARS);
	return tok;
}

enum q_err
http_json_parse(struct bytes text, struct json_object **ret_obj,
    struct fault *f)
{
	struct json_tokener *tok;
	struct json_object *o;
	enum json_tokener_error je;
	size_t used;
	enum q_err e;

	if (text.len == 0 || text.len > INT32_MAX / 2)
		return fault_set(f, Q_INVALID, "no JSON object");
	tok = tokener_new(text.len);
	if (tok == NULL)
		return Q_NOMEM;
	o = json_tokener_parse_ex(tok, (const char *)text.p, (int)text.len);
	je = json_tokener_get_error(tok);
	used = json_tokener_get_parse_end(tok);
	tokener_free(tok);
	if (je != json_tokener_success)
		e = fault_set(f, Q_INVALID, "bad JSON: %s",
		    je == json_tokener_continue ? "it ends too early"
						: json_tokener_error_desc(je));
	else if (!json_object_is_type(o, json_type_object))
		e = fault_set(f, Q_INVALID, "no JSON object");
	else if (memchr(text.p, '\0', text.len) != NULL)
		e = fault_set(f, Q_INVALID, "NUL in JSON");
	else if (!blank_from(text, used))
		e = fault_set(f, Q_INVALID, "bytes behind the JSON object");
	else
		e = letters_check(text, f);
	if (e == Q_OK)
		e = doubles_check(text, f);
	if (e != Q_OK) {
		json_object_put(o);
		return e;
	}
	*ret_obj = o;
	return Q_OK;
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

static enum q_err
member(struct json_object *obj, const char *name, enum json_type type,
    struct json_object **ret_value, struct fault *f)
{
	struct json_object *v;

	if (!json_object_object_get_ex(obj, name, &v))
		return fault_set(f, Q_NOTFOUND, "no member \"%s\"", name);
	if (!json_object_is_type(v, type))
		return fault_set(f, Q_INVALID, "\"%s\" is not of type %s",
		    name, json_type_to_name(type));
	*ret_value = v;
	return Q_OK;
}

enum q_err
http_json_text(struct json_object *obj, const char *name, size_t max,
    const char **ret_text, struct fault *f)
{
	struct json_object *v;
	enum q_err e = member(obj, name, json_type_string, &v, f);

	if (e != Q_OK)
		return e;
	if ((size_t)json_object_get_string_len(v) > max)
		return fault_set(f, Q_INVALID, "\"%s\" is over %zu bytes",
		    name, max);
	*ret_text = json_object_get_string(v);
	return Q_OK;
}

enum q_err
http_json_int(struct json_object *obj, const char *name, int64_t low,
    int64_t high, int64_t *ret_value, struct fault *f)
{
	struct json_object *v;
	enum q_err e = member(obj, name, json_type_int, &v, f);
	int64_t n;

	if (e != Q_OK)
		return e;
	n = json_object_get_int64(v);
	if (n < low || n > high)
		return fault_set(f, Q_INVALID,
		    "\"%s\" is not from %lld to %lld", name, (long long)low,
		    (long long)high);
	*ret_value = n;
	return Q_OK;
}

enum q_err
http_json_bool(struct json_object *obj, const char *name, bool *ret_value,
    struct fault *f)
{
	struct json_object *v;
	enum q_err e = member(obj, name, json_type_boolean, &v, f);

	if (e == Q_OK)
		*ret_value = json_object_get_boolean(v);
	return e;
}

enum q_err
http_json_only(struct json_object *obj, const char *const *names, size_t n,
    struct fault *f)
{
	json_object_object_foreach(obj, key, value) {
		size_t i = 0;

		(void)value;
		while (i < n && strcmp(names[i], key) != 0)
			i++;
		if (i == n)
			return fault_set(f, Q_INVALID,
			    "unknown member \"%.60s\"", key);
	}
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
