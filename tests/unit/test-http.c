// SPDX-License-Identifier: Apache-2.0
/* The web server as a client sees it: routes, limits, errors. */
#include "config.h"

#include "http/http.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "http-tools.h"
#include "http/json.h"
#include "tap.h"

#define REQUEST_MS 1500
#define IDLE_MS 700
#define H "Host: x\r\n"

static char text[1 << 20];
static const char get_hello[] = "GET /hello HTTP/1.1\r\n" H "\r\n";
static const char get_slot[] = "GET /slot HTTP/1.1\r\n" H "\r\n";
static const char get_big[] = "GET /big HTTP/1.1\r\n" H "\r\n";

static enum q_err
on_hello(void *ctx, const struct http_request *rq, struct http_response *rs,
    struct fault *f)
{
	(void)f;
	buf_printf(&rs->body, "%s %s from %s", (const char *)ctx, rq->path,
	    rq->remote);
	http_response_header(rs, "ETag", "\"7\"");
	rs->content_type = "text/plain";
	return Q_OK;
}

static enum q_err
on_echo(void *ctx, const struct http_request *rq, struct http_response *rs,
    struct fault *f)
{
	(void)ctx;
	(void)f;
	buf_printf(&rs->body, "%s|%s|%s|%zu|", rq->param[0],
	    rq->param[1] != NULL ? rq->param[1] : "", rq->content_type,
	    rq->body.len);
	buf_put(&rs->body, rq->body.p, rq->body.len);
	rs->status = 201;
	return Q_OK;
}

static enum q_err
on_fail(void *ctx, const struct http_request *rq, struct http_response *rs,
    struct fault *f)
{
	char code[8] = "";

	(void)ctx;
	buf_puts(&rs->body, "this must not be seen");
	if (http_query(rq, "e", code, sizeof(code)) != Q_OK)
		return fault_set(f, Q_INVALID, "no e");
	return fault_retry(f, (enum q_err)strtol(code, NULL, 10), 9,
	    "it \"failed\"");
}

static enum q_err
on_json(void *ctx, const struct http_request *rq, struct http_response *rs,
    struct fault *f)
{
	AUTO_JSON struct json_object *in = NULL;
	enum q_err e = http_json_body(rq, &in, f);

	(void)ctx;
	return e == Q_OK ? http_json_reply(rs, 200, in) : e;
}

static enum q_err
on_big(void *ctx, const struct http_request *rq, struct http_response *rs,
    struct fault *f)
{
	(void)ctx;
	(void)rq;
	(void)f;
	for (int i = 0; i < 50000; i++)
		buf_puts(&rs->body, "0123456789");
	return Q_OK;
}

static enum q_err
on_empty(void *ctx, const struct http_request *rq, struct http_response *rs,
    struct fault *f)
{
	(void)ctx;
	(void)f;
	if (strcmp(rq->query, "split") == 0)
		http_response_header(rs, "Location", "/a\r\nSet-Cookie: x=1");
	return Q_OK;
}

static enum q_err
on_rest(void *ctx, const struct http_request *rq, struct http_response *rs,
    struct fault *f)
{
	(void)ctx;
	(void)f;
	buf_puts(&rs->body, rq->param[0]);
	return Q_OK;
}

/* A secret, and how often the connection has been here. */
static enum q_err
on_slot(void *ctx, const struct http_request *rq, struct http_response *rs,
    struct fault *f)
{
	char *n = rq->slot->p;

	(void)ctx;
	(void)f;
	if (n == NULL) {
		n = calloc(1, 1);
		*rq->slot = (struct http_slot){ n, free };
	}
	buf_printf(&rs->body, "visit %d", ++*n);
	rs->secret = true;
	return Q_OK;
}

static const struct http_route routes[] = {
	{ "GET", "/slot", on_slot, 0, 0, 0 },
	{ "GET", "/rest/{*}", on_rest, 0, 0, 0 },
	{ "GET", "/rest/{a}/x", on_rest, 0, 0, 0 },
	{ "GET", "/hello", on_hello, 0, 0, 0 },
	{ "POST", "/echo/{a}", on_echo, 0, 0, 1000 },
	{ "PUT", "/echo/{a}/part/{b}", on_echo, 0, 0, 0 },
	{ "GET", "/echo/fixed", on_hello, 0, 0, 0 },
	{ "GET", "/fail", on_fail, 0, 0, 0 },
	{ "GET", "/problem", on_fail, 0, HTTP_PROBLEM, 0 },
	{ "POST", "/json", on_json, 0, 0, 0 },
	{ "GET", "/big", on_big, 0, 0, 0 },
	{ "DELETE", "/empty", on_empty, 0, 0, 0 },
};

static struct http_server *
serve(void)
{
	struct http_config cfg = { .workers = 8, .realm = "Quoin",
		.request_ms = REQUEST_MS, .hello_ms = REQUEST_MS,
		.idle_ms = IDLE_MS };
	struct http_server *s = NULL;
	struct fault f = { .code = Q_OK };
	static char greeting[] = "hi";

	if (http_server_start(&cfg, routes, ARRAY_LEN(routes), greeting, &s,
		&f) != Q_OK) {
		printf("Bail out! %s\n", f.msg);
		exit(1);
	}
	return s;
}

static const struct {
	int status;
	const char *rq;
	const char *has; /* in the answer */
} cases[] = {
	{ 200, "GET /hello HTTP/1.1\r\n" H "\r\n", "hi /hello from 127.0.0.1" },
	{ 200, "\r\nGET /hello HTTP/1.1\r\n" H "\r\n", "\r\nETag: \"7\"\r\n" },
	{ 200, "GET /hell%6f?q=1 HTTP/1.1\r\n" H "\r\n", "hi /hello" },
	{ 200, "GET /hello HTTP/1.0\r\n\r\n", "Connection: close" },
	{ 200, "GET /hello HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
	    "Connection: keep-alive" },
	{ 200, "GET /hello HTTP/1.0\r\nConnection: keep-alive, close\r\n"
	    "\r\n", "Connection: close" },
	{ 200, "GET /slot HTTP/1.1\r\n" H "\r\n", "visit 1" },
	{ 200, "GET /rest/a//b%2Fc/%2e./%2B=?q HTTP/1.1\r\n" H "\r\n",
	    "\r\n\r\na//b/c/../+=" },
	{ 200, "GET /rest/a/x HTTP/1.1\r\n" H "\r\n", "\r\n\r\na" },
	{ 200, "GET /echo/fixed HTTP/1.1\r\n" H "\r\n", "/echo/fixed" },
	{ 200, "HEAD /hello HTTP/1.1\r\n" H "\r\n", "Content-Length: 24" },
	{ 204, "DELETE /empty HTTP/1.1\r\n" H "\r\n", "204 No Content" },
	{ 500, "DELETE /empty?split HTTP/1.1\r\n" H "\r\n", "Internal" },
	{ 201, "POST /echo/a%20b HTTP/1.1\r\n" H "Content-Type: Text/X; y=z\r\n"
	    "Content-Length: 3\r\n\r\nabc", "a b||text/x|3|abc" },
	{ 201, "PUT /echo/1/part/2 HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n",
	    "1|2||0|" },
	{ 201, "POST /echo/c HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n"
	    "\r\n3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nTrailer: t\r\n\r\n",
	    "c|||4|abcd" },
	{ 200, "POST /json HTTP/1.1\r\n" H "Content-Type: application/json\r\n"
	    "Content-Length: 7\r\n\r\n{\"a\":1}", "\r\n\r\n{\"a\":1}\n" },
	{ 400, "POST /json HTTP/1.1\r\n" H "Content-Type: application/json\r\n"
	    "Content-Length: 6\r\n\r\n{\"a\":1", "bad JSON" },
	{ 415, "POST /json HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\n{}",
	    "Content-Type must be application/json" },
	/* handlers' errors */
	{ 400, "GET /fail HTTP/1.1\r\n" H "\r\n", "\r\n\r\nno e\n" },
	{ 503, "GET /fail?e=9 HTTP/1.1\r\n" H "\r\n", "\r\nRetry-After: 9\r\n" },
	{ 202, "GET /fail?x&e=20 HTTP/1.1\r\n" H "\r\n", "Retry-After: 9" },
	{ 401, "GET /fail?e=14 HTTP/1.1\r\n" H "\r\n",
	    "WWW-Authenticate: Basic realm=\"Quoin\"" },
	{ 403, "GET /problem?e=4 HTTP/1.1\r\n" H "\r\n",
	    "\"status\":403,\"detail\":\"it \\\"failed\\\"\"}\n" },
	/* routes */
	{ 404, "GET /nothing HTTP/1.1\r\n" H "\r\n", "Not Found" },
	{ 404, "GET /hello/ HTTP/1.1\r\n" H "\r\n", "Not Found" },
	{ 404, "POST /echo/ HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", "" },
	{ 404, "POST /a HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc", "" },
	{ 405, "DELETE /hello HTTP/1.1\r\n" H "\r\n",
	    "\r\nAllow: GET, HEAD\r\n" },
	{ 405, "PUT /echo/fixed HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\nx",
	    "\r\nAllow: POST, GET, HEAD\r\n" },
	/* paths */
	{ 400, "GET /../hello HTTP/1.1\r\n" H "\r\n", "dot segment" },
	{ 400, "GET /%2e%2E/hello HTTP/1.1\r\n" H "\r\n", "dot segment" },
	{ 400, "GET //hello HTTP/1.1\r\n" H "\r\n", "empty" },
	{ 400, "GET /a%2fb HTTP/1.1\r\n" H "\r\n", "slash" },
	{ 404, "GET /rest/ HTTP/1.1\r\n" H "\r\n", "" },
	{ 200, "GET /rest//x HTTP/1.1\r\n" H "\r\n", "\r\n\r\n/x" },
	{ 400, "GET /rest/%2e%2e/x HTTP/1.1\r\n" H "\r\n", "dot segment" },
	{ 400, "GET /x/../rest/a HTTP/1.1\r\n" H "\r\n", "dot segment" },
	{ 400, "GET /rest/a%00 HTTP/1.1\r\n" H "\r\n", "bad escape" },
	{ 400, "GET /a%00b HTTP/1.1\r\n" H "\r\n", "bad escape" },
	{ 400, "GET /a%4 HTTP/1.1\r\n" H "\r\n", "bad escape" },
	{ 400, "GET http://x/hello HTTP/1.1\r\n" H "\r\n", "not a path" },
	{ 400, "GET hello HTTP/1.1\r\n" H "\r\n", "not a path" },
	{ 400, "OPTIONS * HTTP/1.1\r\n" H "\r\n", "not a path" },
	/* framing: what another reader on the way could see differently */
	{ 400, "GET /hello HTTP/1.1\r\n\r\n", "no Host" },
	{ 400, "GET /hello HTTP/1.1\r\n" H H "\r\n", "twice" },
	{ 400, "GET /hello HTTP/1.1\r\n" H "A : b\r\n\r\n", "header line" },
	{ 400, "GET /hello HTTP/1.1\r\n" H "A: b\r\n c\r\n\r\n",
	    "header line" },
	{ 400, "GET /hello HTTP/1.1\r\n" H "A: b\nC: d\r\n\r\n", "control" },
	{ 400, "GET /hello HTTP/1.1\r\n" H "A: b\rC\r\n\r\n", "control" },
	{ 400, "GET  /hello HTTP/1.1\r\n" H "\r\n", "request" },
	{ 400, "GET /hello\r\n\r\n", "request line" },
	{ 400, "GET /hel\x80lo HTTP/1.1\r\n" H "\r\n", "stray byte" },
	{ 400, "POST /echo/a HTTP/1.1\r\n" H "Content-Length: 3\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "with Transfer" },
	{ 400, "POST /echo/a HTTP/1.1\r\n" H "Content-Length: 3\r\n"
	    "Content-Length: 3\r\n\r\nabc", "twice" },
	{ 400, "POST /echo/a HTTP/1.1\r\n" H "Content-Length: 3, 3\r\n\r\nabc",
	    "bad Content-Length" },
	{ 400, "POST /echo/a HTTP/1.1\r\n" H "Content-Length: +3\r\n\r\nabc",
	    "bad Content-Length" },
	{ 400, "POST /echo/a HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n",
	    "bad Content-Length" },
	{ 400, "POST /echo/a HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "twice" },
	{ 501, "POST /echo/a HTTP/1.1\r\n" H
	    "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "unknown" },
	{ 400, "POST /echo/a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
	    "HTTP/1.0" },
	{ 400, "POST /echo/a HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n"
	    "\r\n0x3\r\nabc\r\n0\r\n\r\n", "chunk" },
	{ 400, "POST /echo/a HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n"
	    "\r\n3\r\nabcd\r\n0\r\n\r\n", "chunk" },
	{ 400, "POST /echo/a HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n"
	    "\r\n-1\r\nabcd\r\n0\r\n\r\n", "chunk" },
	{ 411, "POST /echo/a HTTP/1.1\r\n" H "\r\n", "no Content-Length" },
	{ 413, "POST /echo/a HTTP/1.1\r\n" H "Content-Length: 1001\r\n\r\n",
	    "too large" },
	{ 413, "POST /echo/a HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n"
	    "\r\n3\r\nabc\r\n3e6\r\n", "too large" },
	{ 413, "PUT /echo/a/part/b HTTP/1.1\r\n" H
	    "Content-Length: 999999999999\r\n\r\n", "too large" },
	{ 417, "GET /hello HTTP/1.1\r\n" H "Expect: tea\r\n\r\n", "" },
	{ 501, "BREW /hello HTTP/1.1\r\n" H "\r\n", "unknown method" },
	{ 501, "get /hello HTTP/1.1\r\n" H "\r\n", "unknown method" },
	{ 505, "GET /hello HTTP/2.0\r\n" H "\r\n", "HTTP/1.1" },
};

/* An error has one line of plain text for a body. */
static bool
one_line(const char *answer_text)
{
	const char *body = strstr(answer_text, "\r\n\r\n");
	const char *end = body != NULL ? strchr(body + 4, '\n') : NULL;

	return end != NULL && end > body + 4 && end[1] == '\0';
}

static void
test_cases(uint16_t port)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int status = tcp_ask(port, cases[i].rq, strlen(cases[i].rq),
		    text, sizeof(text));

		bool good = status == cases[i].status &&
		    strstr(text, cases[i].has) != NULL &&
		    (status < 400 || one_line(text));

		if (!ok(good, "case %zu: %d", i, cases[i].status))
			printf("# %s\n# got %d: %.300s\n", cases[i].rq,
			    status, text);
	}
}

static void
test_limits(uint16_t port)
{
	AUTO_BUF struct buf rq = BUF_INIT(1 << 20);
	static const char nul[] = "GET /hello HTTP/1.1\r\nHost: x\0y\r\n\r\n";

	is_int(tcp_ask(port, nul, sizeof(nul) - 1, text, sizeof(text)), 400,
	    "a NUL in a header is 400");
	buf_puts(&rq, "GET /hello?");
	for (int i = 0; i < 4100; i++)
		buf_puts(&rq, "a");
	is_int(tcp_ask(port, rq.p, rq.len, text, sizeof(text)), 414,
	    "a long request line is 414");
	buf_reset(&rq);
	buf_puts(&rq, "GET /hello HTTP/1.1\r\n" H "A: ");
	for (int i = 0; i < 17000; i++)
		buf_puts(&rq, "a");
	is_int(tcp_ask(port, rq.p, rq.len, text, sizeof(text)), 431,
	    "long headers are 431, before they end");
	buf_reset(&rq);
	buf_puts(&rq, "GET /hello HTTP/1.1\r\n" H);
	for (int i = 0; i < HTTP_HEADERS_MAX; i++)
		buf_printf(&rq, "A%d: b\r\n", i);
	buf_puts(&rq, "\r\n");
	is_int(tcp_ask(port, rq.p, rq.len, text, sizeof(text)), 431,
	    "too many headers are 431");
	buf_reset(&rq);
	buf_puts(&rq, "PUT /echo/a/part/b HTTP/1.1\r\n" H
	    "Content-Length: 300000\r\n\r\n");
	for (int i = 0; i < 30000; i++)
		buf_puts(&rq, "0123456789");
	is_int(tcp_ask(port, rq.p, rq.len, text, sizeof(text)), 413,
	    "413 reaches a client that sends all of its body first");
	is_int(tcp_ask(port, get_big, sizeof(get_big) - 1, text,
	    sizeof(text)), 200, "a large response");
	is_int(strlen(strstr(text, "\r\n\r\n")), 500004, "comes whole");
}

/* Requests behind each other on one connection. */
static void
test_keep_alive(uint16_t port)
{
	static const char one[] = "POST /echo/k HTTP/1.1\r\n" H
	    "Content-Length: 2\r\n\r\n";
	static const char two[] = "GET /hello HTTP/1.1\r\n" H "\r\n"
	    "GET /hello HTTP/1.1\r\n" H "Connection: x, Close\r\n\r\n";
	int fd = tcp_open(port, 1);
	int64_t began;

	send(fd, one, sizeof(one) - 1, MSG_NOSIGNAL);
	usleep(100000);
	send(fd, "ab", 2, MSG_NOSIGNAL);
	is_int(tcp_answer(fd, true, text, sizeof(text)), 201,
	    "a body that comes after its head");
	send(fd, two, sizeof(two) - 1, MSG_NOSIGNAL);
	is_int(tcp_answer(fd, false, text, sizeof(text)), 200,
	    "requests in one packet, the last says close");
	ok(strstr(strstr(text + 1, "HTTP/1.1 ") + 1, "Connection: close") !=
	    NULL && strstr(text, "keep-alive") != NULL,
	    "both were answered, and the second ended it");
	close(fd);
	fd = tcp_open(port, 1);
	for (int i = 1; i <= 3; i++) {
		send(fd, get_slot, sizeof(get_slot) - 1, MSG_NOSIGNAL);
		tcp_answer(fd, true, text, sizeof(text));
	}
	ok(strstr(text, "visit 3") != NULL, "a connection keeps its slot");
	close(fd);
	fd = tcp_open(port, 1);
	send(fd, get_hello, sizeof(get_hello) - 1, MSG_NOSIGNAL);
	tcp_answer(fd, true, text, sizeof(text));
	began = clock_mono_ms();
	is_int(tcp_answer(fd, false, text, sizeof(text)), 0,
	    "a silent kept connection is closed");
	began = clock_mono_ms() - began;
	ok(began >= IDLE_MS - 100 && began < IDLE_MS + 2000,
	    "at about its time: %lld ms", (long long)began);
	close(fd);
}

static void
test_expect(uint16_t port)
{
	static const char head[] = "POST /echo/k HTTP/1.1\r\n" H
	    "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n";
	static const char large[] = "POST /echo/k HTTP/1.1\r\n" H
	    "Expect: 100-continue\r\nContent-Length: 2000\r\n\r\n";
	int fd = tcp_open(port, 1);

	send(fd, head, sizeof(head) - 1, MSG_NOSIGNAL);
	is_int(tcp_answer(fd, true, text, sizeof(text)), 100, "100 Continue");
	send(fd, "ab", 2, MSG_NOSIGNAL);
	is_int(tcp_answer(fd, true, text, sizeof(text)), 201,
	    "then the answer");
	close(fd);
	is_int(tcp_ask(port, large, sizeof(large) - 1, text, sizeof(text)),
	    413, "no 100 Continue for a body that is too large");
}

/* One byte every 100 ms: is cut at the deadline, and told so. */
static void
test_slow(uint16_t port, const char *rq, const char *what)
{
	int fd = tcp_open(port, 1);
	int64_t began = clock_mono_ms();
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (size_t i = 0; rq[i] != '\0' && poll(&p, 1, 100) == 0; i++)
		send(fd, rq + i, 1, MSG_NOSIGNAL);
	is_int(tcp_answer(fd, true, text, sizeof(text)), 408, "slow %s: 408",
	    what);
	began = clock_mono_ms() - began;
	ok(began > REQUEST_MS - 200 && began < REQUEST_MS + 3000,
	    "slow %s: at the deadline: %lld ms", what, (long long)began);
	close(fd);
}

int
main(void)
{
	struct http_server *plain, *second;
	struct fault f = { .code = Q_OK };
	struct http_config taken = { .address = "127.0.0.1" };

	signal(SIGPIPE, SIG_IGN);
	plain = serve();
	test_cases(http_server_port(plain));
	test_limits(http_server_port(plain));
	test_keep_alive(http_server_port(plain));
	test_expect(http_server_port(plain));
	test_slow(http_server_port(plain), "GET /hello HTTP/1.1\r\n" H
	    "A: 0123456789012345678901234567890123456789\r\n\r\n", "head");
	test_slow(http_server_port(plain), "POST /echo/a HTTP/1.1\r\n" H
	    "Content-Length: 99\r\n\r\n01234567890", "body");
	taken.port = http_server_port(plain);
	is_int(http_server_start(&taken, routes, 1, NULL, &second, &f), Q_IO,
	    "a port that is taken: %s", f.msg);
	http_server_stop(plain);
	http_server_stop(NULL);
	return done();
}
