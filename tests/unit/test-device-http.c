// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "device/qdev_http.h"

#include <stdlib.h>

#include "tap.h"

/* Answers, what they must come to, and the body. Every one is also fed byte
 * by byte, and cut short at every byte. */
static const struct {
	const char *name;
	const char *text;
	enum q_err err;
	bool done;
	int status;
	const char *body;
	uint32_t retry_after;
	bool keep;
} cases[] = {
	{ "length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", Q_OK,
	    true, 200, "{}", 0, true },
	{ "no body", "HTTP/1.1 403 No\r\ncontent-length:0\r\n\r\n", Q_OK,
	    true, 403, "", 0, true },
	{ "chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
	    "3;x=y\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX: y\r\n\r\n", Q_OK,
	    true, 200, "abc0123456789", 0, true },
	{ "retry", "HTTP/1.1 503 Away\r\nRetry-After: 17 \r\n"
	    "Connection: close\r\nContent-Length: 0\r\n\r\n", Q_OK, true,
	    503, "", 17, false },
	{ "retry as a date", "HTTP/1.1 503 Away\r\nRetry-After: Wed, 21 Oct "
	    "2026 07:28:00 GMT\r\nContent-Length: 0\r\n\r\n", Q_OK, true, 503,
	    "", 0, true },
	{ "continue", "HTTP/1.1 100 Continue\r\n\r\n"
	    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", Q_OK, true, 200,
	    "x", 0, true },
	{ "no content", "HTTP/1.1 204\r\n\r\n", Q_OK, true, 204, "", 0,
	    true },
	{ "HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", Q_OK,
	    true, 200, "", 0, false },
	{ "not HTTP", "SSH-2.0-x\r\n", Q_PROTO },
	{ "status of four digits", "HTTP/1.1 2000 OK\r\n", Q_PROTO },
	{ "status 600", "HTTP/1.1 600 OK\r\n", Q_PROTO },
	{ "bare LF", "HTTP/1.1 200 OK\n", Q_PROTO },
	{ "CR inside", "HTTP/1.1 200 OK\r\nA: b\rc\r\n", Q_PROTO },
	{ "header without colon", "HTTP/1.1 200 OK\r\nA b\r\n", Q_PROTO },
	{ "no length", "HTTP/1.1 200 OK\r\n\r\n", Q_PROTO },
	{ "two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
	    "Content-Length: 1\r\n", Q_PROTO },
	{ "length and chunks", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n", Q_PROTO },
	{ "negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n",
	    Q_PROTO },
	{ "length over 32 bits", "HTTP/1.1 200 OK\r\n"
	    "Content-Length: 4294967296\r\n", Q_PROTO },
	{ "gzip", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n", Q_PROTO },
	{ "length 64 for room for 63", "HTTP/1.1 200 OK\r\n"
	    "Content-Length: 64\r\n\r\n", Q_TOOBIG },
	{ "chunks over the room", "HTTP/1.1 200 OK\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n3f\r\n", Q_TOOBIG },
	{ "chunk size", "HTTP/1.1 200 OK\r\n"
	    "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", Q_PROTO },
	{ "chunk without its end", "HTTP/1.1 200 OK\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n", Q_PROTO },
	{ "more than it said", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"
	    "xy", Q_PROTO },
};

static enum q_err
feed(struct qdev_http *h, char *room, const char *text, size_t len,
    size_t step)
{
	enum q_err e = Q_OK;

	qdev_http_start(h, room, 64);
	while (len > 0 && e == Q_OK) {
		size_t n = len < step ? len : step;

		e = qdev_http_feed(h, text, n);
		text += n;
		len -= n;
	}
	return e;
}

static void
test_case(size_t i)
{
	size_t len = strlen(cases[i].text), early = 0;
	char *room = malloc(64);	/* so that a sanitizer sees the end */
	struct qdev_http h;

	for (size_t step = 1; step <= len; step += len - 1) {
		is_int(feed(&h, room, cases[i].text, len, step),
		    cases[i].err, "%s, %zu bytes a time", cases[i].name,
		    step);
		if (cases[i].err != Q_OK)
			continue;
		ok(h.done == cases[i].done && h.status == cases[i].status &&
		    h.retry_after == cases[i].retry_after &&
		    h.keep_alive == cases[i].keep, "%s: fields",
		    cases[i].name);
		is_str(h.body, cases[i].body, "%s: body", cases[i].name);
	}
	for (size_t cut = 0; cut < len; cut++)
		early += feed(&h, room, cases[i].text, cut, cut + 1) == Q_OK &&
		    h.done;
	/* "more than it said" is whole one byte before its end. */
	is_int(early, strcmp(cases[i].name, "more than it said") == 0,
	    "%s: not done when cut short", cases[i].name);
	free(room);
}

static void
test_limits(void)
{
	static char head[20000];
	char room[64], long_line[600] = "HTTP/1.1 200 ";
	struct qdev_http h;
	size_t n;

	memset(long_line + 13, 'x', sizeof(long_line) - 13);
	is_int(feed(&h, room, long_line, sizeof(long_line), 600), Q_TOOBIG,
	    "a line without end");
	n = (size_t)snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\n");
	while (n + 10 < sizeof(head))
		n += (size_t)snprintf(head + n, sizeof(head) - n,
		    "A: b\r\n");
	is_int(feed(&h, room, head, n, n), Q_TOOBIG, "a head without end");
	is_int(feed(&h, room, "HTTP/1.1 200 O\0K\r\n", 18, 18), Q_PROTO,
	    "NUL in the head");
}

static void
test_writer(void)
{
	static const struct {
		const char *in, *out;
	} base64[] = {
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "\xff\xfe\xfd", "//79" },
	};
	char text[QDEV_HTTP_HEAD + 8], long_host[600];
	const char *request;
	size_t len;

	for (size_t i = 0; i < sizeof(base64) / sizeof(*base64); i++) {
		char out[16] = "";
		struct qdev_out o = { .p = out, .cap = sizeof(out) };

		qdev_out_base64(&o, (const uint8_t *)base64[i].in,
		    strlen(base64[i].in));
		is_str(out, base64[i].out, "base64 of %zu bytes",
		    strlen(base64[i].in));
	}
	{
		char out[16] = "";
		struct qdev_out o = { .p = out, .cap = 9 };

		qdev_out_json(&o, "a\"\\\n");
		is_str(out, "\"a\\\"\\\\?\"", "JSON string");
		qdev_out_number(&o, 0);
		ok(!o.bad, "just fits");
		qdev_out_number(&o, 4294967295u);
		ok(o.bad, "does not fit any more");
	}
	memcpy(text + QDEV_HTTP_HEAD, "{}", 3);
	is_int(qdev_http_request(text, "h:1", "/p", 2, &request, &len), Q_OK,
	    "request");
	is_str(request, "POST /p HTTP/1.1\r\nHost: h:1\r\n"
	    "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
	    "request's text");
	is_int(len, strlen(request), "request's length");
	memset(long_host, 'h', sizeof(long_host) - 1);
	long_host[sizeof(long_host) - 1] = '\0';
	is_int(qdev_http_request(text, long_host, "/p", 2, &request, &len),
	    Q_TOOBIG, "host too long");
}

static void
test_errors(void)
{
	static const struct {
		int status;
		enum q_err err;
	} map[] = {
		{ 200, Q_OK }, { 201, Q_PROTO }, { 202, Q_WAIT },
		{ 302, Q_PROTO }, { 400, Q_INVALID }, { 403, Q_DENIED },
		{ 418, Q_INVALID }, { 429, Q_BUSY }, { 500, Q_INTERNAL },
		{ 503, Q_UNAVAIL }, { 599, Q_INTERNAL },
	};

	for (size_t i = 0; i < sizeof(map) / sizeof(*map); i++)
		is_int(qdev_http_err(map[i].status), map[i].err, "status %d",
		    map[i].status);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		test_case(i);
	test_limits();
	test_writer();
	test_errors();
	return done();
}
