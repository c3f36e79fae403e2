// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "device/qdev_json.h"

#include <string.h>

/*
 * Every scan_ function takes the first byte of what it shall read and gives
 * the byte behind it, or NULL when the text is wrong.
 */

static const char *
scan_space(const char *p, const char *end)
{
	while (p < end &&
	    (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

static const char *
scan_word(const char *p, const char *end, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(end - p) < n || memcmp(p, word, n) != 0)
		return NULL;
	return p + n;
}

static const char *
scan_digits(const char *p, const char *end)
{
	const char *start = p;

	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p == start ? NULL : p;
}

static const char *
scan_number(const char *p, const char *end)
{
	if (p < end && *p == '-')
		p++;
	if (p < end && *p == '0')
		p++;
	else
		p = scan_digits(p, end);
	if (p != NULL && p < end && *p == '.')
		p = scan_digits(p + 1, end);
	if (p != NULL && p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		p = scan_digits(p, end);
	}
	return p;
}

/* Four hex digits; -1 when they are not. */
static long
hex4(const char *p, const char *end)
{
	long v = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = p[i];

		if (c >= '0' && c <= '9')
			v = v * 16 + (c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v * 16 + (c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			v = v * 16 + (c - 'A' + 10);
		else
			return -1;
	}
	return v;
}

/* What follows a backslash and u: one code unit, or two that make a
 * surrogate pair. */
static const char *
scan_unicode(const char *p, const char *end, long *ret_point)
{
	long low, high = hex4(p, end);

	if (high < 0 || (high >= 0xdc00 && high <= 0xdfff))
		return NULL;
	p += 4;
	if (high >= 0xd800 && high <= 0xdbff) {
		if (end - p < 2 || p[0] != '\\' || p[1] != 'u')
			return NULL;
		low = hex4(p + 2, end);
		if (low < 0xdc00 || low > 0xdfff)
			return NULL;
		p += 6;
		high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
	}
	*ret_point = high;
	return p;
}

/* One character of two or more bytes of UTF-8, shortest form only. */
static const char *
scan_utf8(const char *p, const char *end)
{
	static const struct {
		unsigned char mask, lead;
		int more;
		long min;
	} forms[] = {
		{ 0xe0, 0xc0, 1, 0x80 },
		{ 0xf0, 0xe0, 2, 0x800 },
		{ 0xf8, 0xf0, 3, 0x10000 },
	};
	unsigned char c = (unsigned char)*p;

	for (int i = 0; i < 3; i++) {
		long v = c & (unsigned char)~forms[i].mask;

		if ((c & forms[i].mask) != forms[i].lead)
			continue;
		if (end - p <= forms[i].more)
			return NULL;
		for (int k = 1; k <= forms[i].more; k++) {
			if (((unsigned char)p[k] & 0xc0) != 0x80)
				return NULL;
			v = v << 6 | ((unsigned char)p[k] & 0x3f);
		}
		if (v < forms[i].min || v > 0x10ffff ||
		    (v >= 0xd800 && v <= 0xdfff))
			return NULL;
		return p + forms[i].more + 1;
	}
	return NULL;
}

static const char *
scan_escape(const char *p, const char *end)
{
	long point;

	if (p >= end || *p == '\0')
		return NULL;
	if (*p == 'u')
		return scan_unicode(p + 1, end, &point);
	return strchr("\"\\/bfnrt", *p) != NULL ? p + 1 : NULL;
}

static const char *
scan_string(const char *p, const char *end)
{
	if (p >= end || *p != '"')
		return NULL;
	for (p++; p != NULL && p < end;) {
		unsigned char c = (unsigned char)*p;

		if (c == '"')
			return p + 1;
		if (c < 0x20)
			return NULL;
		if (c == '\\')
			p = scan_escape(p + 1, end);
		else if (c < 0x80)
			p++;
		else
			p = scan_utf8(p, end);
	}
	return NULL;
}

static const char *scan_value(const char *, const char *, int);

/* A name, the colon, and the space around both; gives the value's start. */
static const char *
scan_name(const char *p, const char *end)
{
	p = scan_string(p, end);
	if (p == NULL)
		return NULL;
	p = scan_space(p, end);
	if (p >= end || *p != ':')
		return NULL;
	return scan_space(p + 1, end);
}

/* The inside of an array or object, from behind its bracket. */
static const char *
scan_list(const char *p, const char *end, char close, int depth)
{
	p = scan_space(p, end);
	if (p < end && *p == close)
		return p + 1;
	while (p < end) {
		if (close == '}')
			p = scan_name(p, end);
		if (p != NULL)
			p = scan_value(p, end, depth - 1);
		if (p == NULL)
			return NULL;
		p = scan_space(p, end);
		if (p < end && *p == close)
			return p + 1;
		if (p >= end || *p != ',')
			return NULL;
		p = scan_space(p + 1, end);
	}
	return NULL;
}

static const char *
scan_value(const char *p, const char *end, int depth)
{
	if (p >= end || depth <= 0)
		return NULL;
	switch (*p) {
	case '{':
		return scan_list(p + 1, end, '}', depth);
	case '[':
		return scan_list(p + 1, end, ']', depth);
	case '"':
		return scan_string(p, end);
	case 't':
		return scan_word(p, end, "true");
	case 'f':
		return scan_word(p, end, "false");
	case 'n':
		return scan_word(p, end, "null");
	default:
		return scan_number(p, end);
	}
}

enum q_err
qdev_json_check(const char *text, size_t len, struct qdev_json *ret_value)
{
	const char *end = text + len;
	const char *start = scan_space(text, end);
	const char *p = scan_value(start, end, QDEV_JSON_DEPTH);

	if (p == NULL || scan_space(p, end) != end)
		return Q_PROTO;
	ret_value->p = start;
	ret_value->len = (size_t)(p - start);
	return Q_OK;
}

enum q_err
qdev_json_member(struct qdev_json obj, const char *name,
    struct qdev_json *ret_value)
{
	const char *end = obj.p + obj.len;
	const char *p;
	struct qdev_json found = { NULL, 0 };

	if (obj.len < 2 || *obj.p != '{')
		return Q_PROTO;
	p = scan_space(obj.p + 1, end);
	while (p < end && *p == '"') {
		struct qdev_json key = { p, 0 };
		const char *value = scan_name(p, end);
		char text[32];

		key.len = (size_t)(scan_string(p, end) - p);
		p = scan_value(value, end, QDEV_JSON_DEPTH);
		if (qdev_json_string(key, text, sizeof(text)) == Q_OK &&
		    strcmp(text, name) == 0) {
			if (found.p != NULL)
				return Q_PROTO;
			found.p = value;
			found.len = (size_t)(p - value);
		}
		p = scan_space(p, end);
		if (p < end && *p == ',')
			p = scan_space(p + 1, end);
	}
	if (found.p == NULL)
		return Q_NOTFOUND;
	*ret_value = found;
	return Q_OK;
}

/* Write point as UTF-8 into out, which holds 4 bytes; gives their count. */
static size_t
put_utf8(long point, char *out)
{
	size_t n = point < 0x80 ? 1 : point < 0x800 ? 2 :
	    point < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = n - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (point & 0x3f));
		point >>= 6;
	}
	out[0] = (char)(lead[n] | point);
	return n;
}

/* Resolve the escape behind a backslash. */
static const char *
get_escape(const char *p, const char *end, char *out, size_t *ret_len)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *hit;
	long point;

	if (*p == 'u') {
		p = scan_unicode(p + 1, end, &point);
		*ret_len = p != NULL && point != 0 ? put_utf8(point, out) : 0;
		return p;
	}
	hit = strchr(from, *p);
	*out = hit != NULL ? to[hit - from] : *p;
	*ret_len = 1;
	return p + 1;
}

enum q_err
qdev_json_string(struct qdev_json v, char *out, size_t cap)
{
	const char *p = v.p + 1, *end = v.p + v.len - 1;
	size_t used = 0;

	if (v.len < 2 || *v.p != '"')
		return Q_PROTO;
	while (p < end) {
		char c[4] = { *p };
		size_t n = 1;

		p = *p == '\\' ? get_escape(p + 1, end, c, &n) : p + 1;
		if (p == NULL || n == 0)
			return Q_PROTO;
		if (used + n >= cap)
			return Q_TOOBIG;
		memcpy(out + used, c, n);
		used += n;
	}
	if (used >= cap)
		return Q_TOOBIG;
	out[used] = '\0';
	return Q_OK;
}

enum q_err
qdev_json_uint(struct qdev_json v, uint32_t max, uint32_t *ret_number)
{
	uint64_t n = 0;

	if (v.len == 0 || v.len > 10)
		return Q_PROTO;
	for (size_t i = 0; i < v.len; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return Q_PROTO;
		n = n * 10 + (uint64_t)(v.p[i] - '0');
	}
	if (n > max)
		return Q_PROTO;
	*ret_number = (uint32_t)n;
	return Q_OK;
}

enum q_err
qdev_json_bool(struct qdev_json v, bool *ret_bool)
{
	if (v.len == 0 || (*v.p != 't' && *v.p != 'f'))
		return Q_PROTO;
	*ret_bool = *v.p == 't';
	return Q_OK;
}

bool
qdev_json_is_null(struct qdev_json v)
{
	return v.len == 4 && *v.p == 'n';
}
