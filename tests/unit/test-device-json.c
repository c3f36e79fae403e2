// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <stdlib.h>

#include "device/qdev_answer.h"
#include "tap.h"

static const char *const good[] = {
	"{}", "[]", " [ ] ", "null", "true", "false", "0", "-0", "-1.5e+10",
	"1E5", "\"\"", "\"\\u00e9\\ud83d\\ude00\\/\\b\"", "\"\xc3\xa9\"",
	"\"\xf0\x9f\x98\x80\"", "[1,[2,{\"a\":[]}],\"x\"]",
	"{\"a\":1,\"b\":{\"a\":2}}", "[[[[[[[0]]]]]]]", "\t\r\n1",
};

static const char *const bad[] = {
	"", " ", "{", "}", "[", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}",
	"{a:1}", "{\"a\":1,}", "{\"a\" 1}", "[1 2]", "01", "+1", ".5", "1.",
	"1e", "1e+", "-", "0x1", "nul", "nulll", "True", "\"", "\"\\x\"",
	"\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\udc00\"",
	"\"\\ud800\\u0041\"", "\"\n\"", "\"\x80\"", "\"\xc3\"",
	"\"\xc0\x80\"", "\"\xe0\x80\x80\"", "\"\xed\xa0\x80\"",
	"\"\xf4\x90\x80\x80\"", "\"\xff\"", "{}{}", "1 2", "NaN",
	"[[[[[[[[0]]]]]]]]", "{\"a\":1}x", "'a'", "\"\\", "\"\\u",
};

/* From memory that ends where the text ends, so that reading on is seen. */
static enum q_err
check(const char *text, size_t len)
{
	char *copy = malloc(len + 1);
	struct qdev_json v;
	enum q_err e;

	memcpy(copy + 1, text, len);
	e = qdev_json_check(copy + 1, len, &v);
	free(copy);
	return e;
}

static void
test_grammar(void)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		is_int(check(good[i], strlen(good[i])), Q_OK, "good %zu", i);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		is_int(check(bad[i], strlen(bad[i])), Q_PROTO, "bad %zu", i);
	is_int(check("\"\0\"", 3), Q_PROTO, "NUL in a string");
	is_int(check("\"\\\0\"", 4), Q_PROTO, "NUL behind a backslash");
	is_int(check("1\0", 2), Q_PROTO, "NUL behind the end");
}

static void
test_lookup(void)
{
	static const char text[] = "{\"s\":\"a\\u00e9\\n\\ud83d\\ude00\","
	    "\"n\":4294967295,\"o\":{\"s\":1},\"z\":\"\\u0000\",\"d\":1,"
	    "\"\\u0064\":2,\"f\":1.0,\"t\":true,\"e\":null,"
	    "\"a-name-that-is-longer-than-we-look-for\":1}";
	struct qdev_json doc, v;
	uint32_t n = 7;
	bool b = false;
	char out[16];

	is_int(qdev_json_check(text, sizeof(text) - 1, &doc), Q_OK, "doc");
	is_int(qdev_json_member(doc, "s", &v), Q_OK, "member");
	is_int(qdev_json_string(v, out, sizeof(out)), Q_OK, "string");
	is_str(out, "a\xc3\xa9\n\xf0\x9f\x98\x80", "escapes");
	is_int(qdev_json_string(v, out, 9), Q_OK, "just fits");
	is_int(qdev_json_string(v, out, 8), Q_TOOBIG, "one byte too long");
	is_int(qdev_json_uint(v, 9, &n), Q_PROTO, "string is no number");
	is_int(qdev_json_member(doc, "n", &v), Q_OK, "member n");
	is_int(qdev_json_uint(v, UINT32_MAX, &n), Q_OK, "number");
	ok(n == UINT32_MAX, "its value");
	is_int(qdev_json_uint(v, UINT32_MAX - 1, &n), Q_PROTO, "over max");
	is_int(qdev_json_bool(v, &b), Q_PROTO, "number is no bool");
	is_int(qdev_json_string(v, out, sizeof(out)), Q_PROTO,
	    "number is no string");
	is_int(qdev_json_member(v, "x", &v), Q_PROTO, "number is no object");
	is_int(qdev_json_member(doc, "z", &v), Q_OK, "member z");
	is_int(qdev_json_string(v, out, sizeof(out)), Q_PROTO, "U+0000");
	is_int(qdev_json_member(doc, "d", &v), Q_PROTO,
	    "a name twice, once escaped");
	is_int(qdev_json_member(doc, "q", &v), Q_NOTFOUND, "no member");
	is_int(qdev_json_member(doc, "f", &v), Q_OK, "member f");
	is_int(qdev_json_uint(v, 9, &n), Q_PROTO, "a fraction");
	is_int(qdev_json_member(doc, "t", &v), Q_OK, "member t");
	ok(qdev_json_bool(v, &b) == Q_OK && b, "true");
	is_int(qdev_json_member(doc, "e", &v), Q_OK, "member e");
	ok(qdev_json_is_null(v), "null");
}

static void
test_time(void)
{
	static const struct {
		const char *text;
		int64_t time;		/* -1: refused */
	} times[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-11-22T17:00:00Z", 1795366800 },
		{ "2000-02-29T23:59:59Z", 951868799 },
		{ "2024-03-01T00:00:00Z", 1709251200 },
		{ "2100-03-01T00:00:00Z", 4107542400 },
		{ "2001-01-01T00:00:00Z", 978307200 },
		{ "9999-12-31T23:59:59Z", 253402300799 },
		{ "2100-02-29T00:00:00Z", -1 },
		{ "2026-02-29T00:00:00Z", -1 },
		{ "2026-13-01T00:00:00Z", -1 },
		{ "2026-00-01T00:00:00Z", -1 },
		{ "2026-01-00T00:00:00Z", -1 },
		{ "2026-01-01T24:00:00Z", -1 },
		{ "2026-01-01T00:60:00Z", -1 },
		{ "1969-12-31T23:59:59Z", -1 },
		{ "2026-01-01T00:00:00+00:00", -1 },
		{ "2026-01-01 00:00:00Z", -1 },
		{ "2026-01-0xT00:00:00Z", -1 },
		{ "", -1 },
	};

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		int64_t t = -1;
		enum q_err e = qdev_time_parse(times[i].text, &t);

		ok(t == times[i].time && (e == Q_OK) == (t >= 0), "time %s",
		    times[i].text);
	}
}

static void
test_problem(void)
{
	static const char text[] = "{\"title\":\"x\",\"status\":403,"
	    "\"detail\":\"no\\u001b[31m \\u00e9\"}";
	static const char revoked[] = "{\"detail\":\"\",\"state\":"
	    "\"revoked\"}";
	enum qdev_state state = QDEV_ENROLLED;
	char detail[64];

	qdev_problem_parse(text, sizeof(text) - 1, detail, sizeof(detail),
	    &state);
	is_str(detail, "no?[31m ??", "detail is made printable");
	qdev_problem_parse("<html>", 6, detail, sizeof(detail), &state);
	is_str(detail, "", "no JSON, no detail");
	qdev_problem_parse(text, sizeof(text) - 1, detail, 4, &state);
	is_str(detail, "", "a detail that does not fit is left out");
	is_int(state, QDEV_ENROLLED, "no state, no change");
	qdev_problem_parse(revoked, sizeof(revoked) - 1, detail,
	    sizeof(detail), &state);
	is_int(state, QDEV_REVOKED, "a state told with the error");
}

int
main(void)
{
	test_grammar();
	test_lookup();
	test_time();
	test_problem();
	return done();
}
