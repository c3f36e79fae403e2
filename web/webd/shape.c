// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "webd/shape.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "webd/web.h"

#define HERE_MAX (SHAPE_POINTER - 1)

const struct shape_field *
shape_field(const struct shape *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->fields[i].name, name) == 0)
			return &s->fields[i];
	return NULL;
}

/* C0, DEL, and C1 (U+0080 to U+009F), which terminals obey as well. */
static bool
is_control(const char *s)
{
	unsigned char c = (unsigned char)s[0];

	return c < 0x20 || c == 0x7f ||
	    (c == 0xc2 && (unsigned char)s[1] < 0xa0);
}

/* Well-formed UTF-8 has been seen to by the parser. */
static enum q_err
check_text(const struct shape_field *fd, const char *s, size_t len,
    struct fault *f)
{
	bool lines = fd->kind == SHAPE_TEXT;

	if ((int64_t)len < fd->low || (int64_t)len > fd->high)
		return fault_set(f, Q_INVALID, "%s: %lld to %lld bytes",
		    fd->name, (long long)fd->low, (long long)fd->high);
	for (size_t i = 0; i < len; i++)
		if (is_control(s + i) &&
		    !(lines && memchr("\n\r\t", s[i], 3) != NULL))
			return fault_set(f, Q_INVALID,
			    "%s: has a control character", fd->name);
	return Q_OK;
}

static enum q_err
check_name(const struct shape_field *fd, const char *s, struct fault *f)
{
	char all[160] = "";
	size_t len = 0;

	for (const char *const *n = fd->names; *n != NULL; n++) {
		if (strcmp(*n, s) == 0)
			return Q_OK;
		if (len + strlen(*n) + 3 < sizeof(all))
			len += (size_t)snprintf(all + len,
			    sizeof(all) - len, "%s%s",
			    len != 0 ? ", " : "", *n);
	}
	return fault_set(f, Q_INVALID, "%s: wants one of %s", fd->name, all);
}

static enum q_err
check_int(const struct shape_field *fd, int64_t v, struct fault *f)
{
	if (v >= fd->low && v <= fd->high)
		return Q_OK;
	return fault_set(f, Q_INVALID, "%s: %lld to %lld", fd->name,
	    (long long)fd->low, (long long)fd->high);
}

static enum q_err
check_string(const struct shape_field *fd, const char *s, size_t len,
    struct fault *f)
{
	int64_t t;

	switch (fd->kind) {
	case SHAPE_TIME:
		return len == 0 || web_time_parse(s, &t) == Q_OK ? Q_OK
		    : fault_set(f, Q_INVALID, "%s: wants a time like "
			"2026-11-23T12:00:00Z", fd->name);
	case SHAPE_ENUM:
	case SHAPE_ENUMS:
		return check_name(fd, s, f);
	case SHAPE_HEX:
		if ((int64_t)len >= fd->low && (int64_t)len <= fd->high &&
		    hex_is_lower(s, len))
			return Q_OK;
		return fault_set(f, Q_INVALID, "%s: wants %lld to %lld "
		    "lower-case hex digits", fd->name, (long long)fd->low,
		    (long long)fd->high);
	default:
		return check_text(fd, s, len, f);
	}
}

enum q_err
shape_check_text(const struct shape_field *fd, const char *value,
    struct fault *f)
{
	char *end;
	long long v;

	if (fd->kind == SHAPE_BOOL)
		return strcmp(value, "true") == 0 ||
		    strcmp(value, "false") == 0 ? Q_OK
		    : fault_set(f, Q_INVALID, "%s: true or false", fd->name);
	if (fd->kind != SHAPE_INT)
		return check_string(fd, value, strlen(value), f);
	errno = 0;
	v = strtoll(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' ||
	    strchr("-0123456789", *value) == NULL)
		return fault_set(f, Q_INVALID, "%s: wants a number",
		    fd->name);
	return check_int(fd, v, f);
}

static enum q_err check_object(const struct shape *s, struct json_object *o,
    char *at, size_t used, struct fault *f);

static enum q_err
want(const struct shape_field *fd, const char *what, struct fault *f)
{
	return fault_set(f, Q_INVALID, "%s: wants %s", fd->name, what);
}

static enum q_err
check_item(const struct shape_field *fd, struct json_object *v, char *at,
    size_t used, struct fault *f)
{
	if (fd->kind == SHAPE_OBJS)
		return json_object_is_type(v, json_type_object)
		    ? check_object(fd->sub, v, at, used, f)
		    : want(fd, "objects", f);
	if (!json_object_is_type(v, json_type_string))
		return want(fd, "strings", f);
	return check_string(fd, json_object_get_string(v),
	    (size_t)json_object_get_string_len(v), f);
}

static enum q_err
check_list(const struct shape_field *fd, struct json_object *v, char *at,
    size_t used, struct fault *f)
{
	size_t n;
	enum q_err r = Q_OK;

	if (!json_object_is_type(v, json_type_array))
		return want(fd, "a list", f);
	n = json_object_array_length(v);
	if (n > fd->many)
		return fault_set(f, Q_INVALID, "%s: at most %u", fd->name,
		    fd->many);
	for (size_t i = 0; r == Q_OK && i < n; i++) {
		int more = snprintf(at + used, SHAPE_POINTER - used, "/%zu",
		    i);
		size_t next = used + (size_t)more;

		r = check_item(fd, json_object_array_get_idx(v, i), at,
		    next < HERE_MAX ? next : HERE_MAX, f);
	}
	return r;
}

static enum q_err
check_value(const struct shape_field *fd, struct json_object *v, char *at,
    size_t used, struct fault *f)
{
	switch (fd->kind) {
	case SHAPE_INT:
		/* json-c clamps what is over 64 bits: outside all limits. */
		return json_object_is_type(v, json_type_int)
		    ? check_int(fd, json_object_get_int64(v), f)
		    : want(fd, "a whole number", f);
	case SHAPE_BOOL:
		return json_object_is_type(v, json_type_boolean) ? Q_OK
		    : want(fd, "true or false", f);
	case SHAPE_OBJ:
		return json_object_is_type(v, json_type_object)
		    ? check_object(fd->sub, v, at, used, f)
		    : want(fd, "an object", f);
	case SHAPE_STRS:
	case SHAPE_ENUMS:
	case SHAPE_OBJS:
		return check_list(fd, v, at, used, f);
	default:
		if (!json_object_is_type(v, json_type_string))
			return want(fd, "a string", f);
		return check_string(fd, json_object_get_string(v),
		    (size_t)json_object_get_string_len(v), f);
	}
}

/* at[0..used) is the pointer of o itself. */
static enum q_err
check_object(const struct shape *s, struct json_object *o, char *at,
    size_t used, struct fault *f)
{
	enum q_err r = Q_OK;

	json_object_object_foreach(o, name, value) {
		const struct shape_field *fd = shape_field(s, name);
		int more = snprintf(at + used, SHAPE_POINTER - used, "/%s",
		    fd != NULL ? fd->name : "");
		size_t next = used + (size_t)more;

		if (fd == NULL)
			return fault_set(f, Q_INVALID, "no member %.40s here",
			    name);
		r = check_value(fd, value, at,
		    next < HERE_MAX ? next : HERE_MAX, f);
		if (r != Q_OK)
			return r;
	}
	for (size_t i = 0; i < s->n; i++) {
		const struct shape_field *fd = &s->fields[i];

		if ((fd->flags & SHAPE_NEED) == 0 ||
		    json_object_object_get_ex(o, fd->name, NULL))
			continue;
		snprintf(at + used, SHAPE_POINTER - used, "/%s", fd->name);
		return fault_set(f, Q_INVALID, "%s is missing", fd->name);
	}
	at[used] = '\0';
	return Q_OK;
}

enum q_err
shape_check(const struct shape *s, struct json_object *obj,
    char pointer[SHAPE_POINTER], struct fault *f)
{
	char own[SHAPE_POINTER] = "";
	char *at = pointer != NULL ? pointer : own;

	at[0] = '\0';
	return check_object(s, obj, at, 0, f);
}
