// SPDX-License-Identifier: Apache-2.0
/* Bodies in pieces, both ways; streams of events; cookies; what every answer
 * has. */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "http-tools.h"
#include "http/http.h"
#include "tap.h"

#define H "Host: x\r\n"
#define LISTENERS 40
#define BODY_MAX 100000
#define REQUEST_MS 1000

static struct http_events *events;
static atomic_int released;
static char text[4 << 20];

static enum q_err
on_cookie(void *ctx, const struct http_request *rq, struct http_response *rs,
    struct fault *f)
{
	char value[8];
	enum q_err r = http_cookie(rq, "b", value, sizeof(value));

	(void)ctx;
	(void)f;
	buf_printf(&rs->body, "%s %s", q_err_name(r), r == Q_OK ? value : "");
	return Q_OK;
}

/* Counts the body's bytes and sums them. */
static enum q_err
on_take(void *ctx, const struct http_request *rq, struct http_response *rs,
    struct fault *f)
{
	uint8_t piece[777];
	size_t n, all = 0, sum = 0;
	enum q_err r = Q_OK;

	(void)ctx;
	do {
		r = http_body_read(rq, piece, sizeof(piece), &n, f);
		all += r == Q_OK ? n : 0;
		for (size_t i = 0; r == Q_OK && i < n; i++)
			sum += piece[i];
	} while (r == Q_OK && n != 0);
	buf_printf(&rs->body, "%zu %zu", all, sum);
	return r;
}

/* Has something else to do first, for longer than a peer may take. */
static enum q_err
on_later(void *ctx, const struct http_request *rq, struct http_response *rs,
    struct fault *f)
{
	usleep((REQUEST_MS + 300) * 1000);
	return on_take(ctx, rq, rs, f);
}

static enum q_err
on_spoilt(void *ctx, const struct http_request *rq, struct http_response *rs,
    struct fault *f)
{
	(void)ctx;
	(void)rq;
	(void)f;
	http_response_header(rs, "X-Name", "a\nb");
	return Q_OK;
}

/* Reads nothing of what is sent. */
static enum q_err
on_deny(void *ctx, const struct http_request *rq, struct http_response *rs,
    struct fault *f)
{
	(void)ctx;
	(void)rq;
	(void)rs;
	return fault_set(f, Q_DENIED, "not you");
}

struct pieces {
	int left, fails_at;
};

static enum q_err
more(void *ctx, struct buf *piece, bool *ret_end)
{
	struct pieces *p = ctx;

	if (p->left == p->fails_at)
		return Q_IO;
	for (int i = 0; i < 1000; i++)
		buf_puts(piece, "line\r\n");
	*ret_end = --p->left == 0;
	return Q_OK;
}

static void
pieces_free(void *ctx)
{
	free(ctx);
	atomic_fetch_add(&released, 1);
}

static enum q_err
on_give(void *ctx, const struct http_request *rq, struct http_response *rs,
    struct fault *f)
{
	struct pieces *p = calloc(1, sizeof(*p));

	(void)ctx;
	if (p == NULL)
		return Q_NOMEM;
	p->left = strcmp(rq->query, "endless") == 0 ? INT_MAX : 100;
	p->fails_at = strcmp(rq->query, "fail") == 0 ? 50 : -1;
	http_response_stream(rs, more, pieces_free, p);
	return strcmp(rq->query, "deny") == 0
	    ? fault_set(f, Q_DENIED, "on second thoughts") : Q_OK;
}

static enum q_err
on_events(void *ctx, const struct http_request *rq, struct http_response *rs,
    struct fault *f)
{
	(void)ctx;
	buf_puts(&rs->body, "event: first\ndata: 1\n\n");
	return http_response_events(rs, events, rq->query, f);
}

static enum q_err
on_cite(void *ctx, const struct http_request *rq, struct http_response *rs,
    struct fault *f)
{
	(void)ctx;
	(void)rs;
	return fault_set(f, Q_NOTFOUND, "no %s.", rq->param[0]);
}

static const struct http_route routes[] = {
	{ "GET", "/cookie", on_cookie },
	{ "POST", "/take", on_take, .flags = HTTP_STREAM,
	    .body_max = BODY_MAX },
	{ "POST", "/later", on_later, .flags = HTTP_STREAM },
	{ "GET", "/spoilt", on_spoilt },
	{ "POST", "/deny", on_deny, .flags = HTTP_STREAM,
	    .body_max = BODY_MAX },
	{ "GET", "/give", on_give },
	{ "GET", "/cite/{}", on_cite, .flags = HTTP_PROBLEM },
	{ "GET", "/events", on_events },
};

static int
ask(uint16_t port, const char *rq)
{
	return tcp_ask(port, rq, strlen(rq), text, sizeof(text));
}

/* The same up to the connection's end. */
static int
ask_all(uint16_t port, const char *rq)
{
	int fd = tcp_open(port, 1), status;

	if (fd < 0 || write(fd, rq, strlen(rq)) < 0)
		return 0;
	status = tcp_answer(fd, false, text, sizeof(text));
	close(fd);
	return status;
}

static void
cookies(uint16_t port)
{
	static const struct {
		const char *cookie, *answer;
	} t[] = {
		{ "", "NOTFOUND " }, { "Cookie: b=1\r\n", "OK 1" },
		{ "Cookie: a=2; b=3; c=4\r\n", "OK 3" },
		{ "Cookie: bb=2; ab=3\r\n", "NOTFOUND " },
		{ "Cookie: b=1; b=2\r\n", "INVALID " },
		{ "Cookie: b=12345678\r\n", "TOOBIG " },
		{ "Cookie: b\r\n", "NOTFOUND " }, { "Cookie: b=\r\n", "OK " },
	};
	char rq[256];

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		snprintf(rq, sizeof(rq), "GET /cookie HTTP/1.1\r\n" H "%s"
		    "Connection: close\r\n\r\n", t[i].cookie);
		ask(port, rq);
		ok(strstr(text, t[i].answer) != NULL, "cookie %zu: %s", i,
		    t[i].answer);
	}
	is_int(ask(port, "GET /cookie HTTP/1.1\r\n" H "Cookie: b=1\r\n"
	    "cookie: a=2\r\n\r\n"), 400, "two lines of cookies");
}

static void
bodies(uint16_t port)
{
	AUTO_FREE char *rq = malloc(BODY_MAX + 1000);
	int n = snprintf(rq, 200, "POST /take HTTP/1.1\r\n" H
	    "Content-Length: %d\r\nConnection: close\r\n\r\n", BODY_MAX);

	memset(rq + n, 'x', BODY_MAX);
	is_int(tcp_ask(port, rq, (size_t)n + BODY_MAX, text, sizeof(text)),
	    200, "a body as long as may be");
	ok(strstr(text, "100000 12000000") != NULL, "is read whole");
	is_int(ask(port, "POST /take HTTP/1.1\r\n" H
	    "Content-Length: 100001\r\n\r\nx"), 413, "a longer one is not");
	is_int(ask(port, "POST /take HTTP/1.1\r\n" H
	    "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
	    "3\r\nabc\r\n1;x=y\r\nd\r\n0\r\nT: 1\r\n\r\n"), 200, "chunks");
	ok(strstr(text, "4 394") != NULL, "are read whole");
	is_int(ask(port, "POST /take HTTP/1.1\r\n" H
	    "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n"), 400,
	    "a chunk that is longer than it says");
	is_int(ask(port, "POST /take HTTP/1.1\r\n" H
	    "Transfer-Encoding: chunked\r\n\r\nzz\r\n"), 400, "no number");
	is_int(ask(port, "POST /take HTTP/1.1\r\n" H
	    "Content-Length: 0\r\n\r\n"), 200, "no body at all");
	is_int(ask(port, "POST /deny HTTP/1.1\r\n" H
	    "Content-Length: 5000\r\n\r\nabc"), 403,
	    "who reads nothing still answers");
	ok(strstr(text, "Connection: close") != NULL, "and closes");
	is_int(ask(port, "POST /take HTTP/1.1\r\n" H
	    "Content-Length: 10\r\n\r\nabc"), 408, "a body that does not come");
	is_int(ask_all(port, "POST /take HTTP/1.1\r\n" H
	    "Content-Length: 3\r\n\r\nabcPOST /take HTTP/1.1\r\n" H
	    "Content-Length: 2\r\nConnection: close\r\n\r\nde"), 200,
	    "two bodies in a row");
	ok(strstr(text, "3 294") != NULL && strstr(text, "2 201") != NULL,
	    "are read apart");
}

/* Who starts fast may not stop for longer; a busy handler is not his fault. */
static void
paces(uint16_t port)
{
	static const char late[] = "POST /later HTTP/1.1\r\n" H
	    "Content-Length: 6\r\n\r\nabc";
	AUTO_FREE char *rq = malloc(BODY_MAX + 1000);
	int n = snprintf(rq, 200, "POST /take HTTP/1.1\r\n" H
	    "Content-Length: %d\r\n\r\n", BODY_MAX), fd;
	int64_t began = clock_mono_ms();

	memset(rq + n, 'x', BODY_MAX);
	is_int(tcp_ask(port, rq, (size_t)n + BODY_MAX - 1, text,
	    sizeof(text)), 408, "who stops before the last byte");
	ok(clock_mono_ms() - began < 3 * REQUEST_MS, "is told so soon");
	fd = tcp_open(port, 1);
	send(fd, late, sizeof(late) - 1, MSG_NOSIGNAL);
	usleep((REQUEST_MS + 500) * 1000);
	send(fd, "def", 3, MSG_NOSIGNAL);
	is_int(tcp_answer(fd, true, text, sizeof(text)), 200,
	    "what the handler takes does not count");
	close(fd);
}

/* Whether the answer ends as if somebody had pulled the plug. */
static bool
breaks_off(uint16_t port, const char *rq)
{
	int fd = tcp_open(port, 1);
	ssize_t n = send(fd, rq, strlen(rq), MSG_NOSIGNAL);
	bool reset;

	while (n > 0)
		n = recv(fd, text, sizeof(text), 0);
	reset = n < 0 && errno == ECONNRESET;
	close(fd);
	return reset;
}

/* How many have been released when this one should be. */
static int
ask_none(uint16_t port, const char *rq)
{
	int fd = tcp_open(port, 1), before = atomic_load(&released);
	int64_t until = clock_mono_ms() + 5 * REQUEST_MS;

	send(fd, rq, strlen(rq), MSG_NOSIGNAL);
	while (atomic_load(&released) == before && clock_mono_ms() < until)
		usleep(20000);
	close(fd);
	return atomic_load(&released);
}

static void
answers(uint16_t port)
{
	is_int(ask_all(port, "GET /give HTTP/1.1\r\n" H
	    "Connection: close\r\n\r\n"), 200, "pieces");
	ok(strstr(text, "Transfer-Encoding: chunked") != NULL, "in chunks");
	ok(strstr(text, "\r\n0\r\n\r\n") != NULL, "to the end");
	is_int(ask_all(port, "GET /give HTTP/1.0\r\n" H "\r\n"), 200, "HTTP/1.0");
	ok(strstr(text, "chunked") == NULL &&
	    strlen(text) > 600000, "without chunks");
	ok(breaks_off(port, "GET /give?fail HTTP/1.0\r\n" H "\r\n"),
	    "one that fails in the midst breaks off");
	is_int(ask_all(port, "GET /give?fail HTTP/1.1\r\n" H
	    "Connection: close\r\n\r\n"), 200,
	    "and in chunks");
	ok(strstr(text, "\r\n0\r\n\r\n") == NULL, "has no end");
	is_int(ask_all(port, "GET /give?deny HTTP/1.1\r\n" H
	    "Connection: close\r\n\r\n"), 403, "one that is refused");
	is_int(ask_all(port, "HEAD /give HTTP/1.1\r\n" H
	    "Connection: close\r\n\r\n"), 200, "HEAD");
	ok(strcmp(text + strlen(text) - 4, "\r\n\r\n") == 0, "has no body");
	is_int(atomic_load(&released), 6, "each is released once");
	is_int(ask_none(port, "GET /give?endless HTTP/1.1\r\n" H "\r\n"), 7,
	    "who reads nothing is cut off");
	is_int(ask_all(port, "HEAD /events?odd HTTP/1.1\r\n" H "\r\n"), 200,
	    "HEAD of events");
	ok(strstr(text, "text/event-stream") != NULL &&
	    strstr(text, "event: ") == NULL, "is only a head");
	is_int(http_events_count(events), 0, "and no stream");
}

static void
problems(uint16_t port)
{
	static const struct {
		const char *sent, *told;
	} cited[] = {
		{ "%C3%A9%E2%82%AC%F0%9F%98%80",
		    "no \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80." },
		{ "%FF", "no ?." }, { "%E2%82", "no ??." },
		{ "a%80b", "no a?b." }, { "%C0%AF", "no ??." },
		{ "%ED%A0%80", "no ???." },
		{ "%F4%90%80%80", "no ????." },
	};
	char line[200];

	is_int(ask(port, "GET /nothing HTTP/1.1\r\n" H
	    "Connection: close\r\n\r\n"), 404, "nothing there");
	ok(strstr(text, "application/problem+json") != NULL &&
	    strstr(text, "\"status\":404") != NULL, "is a problem");
	ok(strstr(text, "X-Always: yes\r\n") != NULL, "with what all have");
	is_int(ask(port, "DELETE /give HTTP/1.1\r\n" H
	    "Connection: close\r\n\r\n"), 405, "another method");
	ok(strstr(text, "Allow: GET, HEAD\r\n") != NULL &&
	    strstr(text, "problem+json") != NULL, "is a problem, too");
	is_int(ask(port, "GET /spoilt HTTP/1.1\r\n" H
	    "Connection: close\r\n\r\n"), 500, "a spoilt answer");
	ok(strstr(text, "problem+json") != NULL &&
	    strstr(text, "X-Name") == NULL, "is one, without what spoilt it");
	for (size_t i = 0; i < ARRAY_LEN(cited); i++) {
		snprintf(line, sizeof(line), "GET /cite/%s HTTP/1.1\r\n" H
		    "Connection: close\r\n\r\n", cited[i].sent);
		is_int(ask(port, line), 404, "%s", cited[i].sent);
		ok(strstr(text, cited[i].told) != NULL, "is told as UTF-8");
	}
}

static bool
count_is(size_t n)
{
	for (int i = 0; i < 100; i++) {
		if (http_events_count(events) == n)
			return true;
		usleep(20000);
	}
	return false;
}

static int
listen_to(uint16_t port, int from, const char *tag)
{
	char rq[128];
	int fd = tcp_open(port, from);
	int n = snprintf(rq, sizeof(rq), "GET /events?%s HTTP/1.1\r\n" H
	    "\r\n", tag);

	return fd >= 0 && write(fd, rq, (size_t)n) == n ? fd : -1;
}

/* What has come, until `wanted` has. */
static bool
hears(int fd, const char *wanted)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, text + len, sizeof(text) - len - 1)) > 0) {
		len += (size_t)n;
		text[len] = '\0';
		if (strstr(text, wanted) != NULL)
			return true;
	}
	return false;
}

static void
streams(uint16_t port)
{
	AUTO_BUF struct buf tags = BUF_INIT(4096);
	int fd[LISTENERS], heard = 0, ended = 0;
	char c;

	for (int i = 0; i < LISTENERS; i++)
		fd[i] = listen_to(port, 1 + i % 8, i % 2 ? "odd" : "even");
	ok(count_is(LISTENERS), "%d listen, with 4 workers", LISTENERS);
	for (int i = 0; i < LISTENERS; i++)
		heard += hears(fd[i], "event: first\ndata: 1\n\n");
	is_int(heard, LISTENERS, "all get what it begins with");
	is_int(ask(port, "GET /cookie HTTP/1.1\r\n" H
	    "Connection: close\r\n\r\n"), 200, "workers are free");
	is_int(ask(port, "GET /events?odd HTTP/1.1\r\n" H
	    "Connection: close\r\n\r\n"), 429, "no more of one tag");
	http_events_send(events, "odd", "to-odd", (struct bytes){
	    (const uint8_t *)"{}", 2 });
	http_events_send(events, NULL, "to-all", (struct bytes){
	    (const uint8_t *)"{\"n\":1}", 7 });
	heard = 0;
	for (int i = 0; i < LISTENERS; i++) {
		heard += hears(fd[i], "event: to-all\ndata: {\"n\":1}\n\n");
		heard += strstr(text, "to-odd") != NULL;
	}
	is_int(heard, LISTENERS + LISTENERS / 2, "events reach whom they "
	    "are for");
	http_events_tags(events, &tags);
	is_int(tags.len, LISTENERS / 2 * (sizeof("odd") + sizeof("even")),
	    "the tags of all");
	http_events_close(events, "odd");
	for (int i = 1; i < LISTENERS; i += 2)
		ended += read(fd[i], &c, 1) == 0;
	is_int(ended, LISTENERS / 2, "streams of a tag end");
	close(fd[0]);
	ok(count_is(LISTENERS / 2 - 1), "who leaves is missed at once");
	/* One that never reads is cut off; it holds nobody up. */
	memset(text, 'x', 60000);
	for (int i = 0; i < 200; i++)
		http_events_send(events, "even", "much", (struct bytes){
		    (const uint8_t *)text, 60000 });
	ok(count_is(0), "who does not read is cut off");
	for (int i = 1; i < LISTENERS; i++)
		close(fd[i]);
}

int
main(void)
{
	const struct http_config cfg = { .address = "127.0.0.1",
		.workers = 4, .request_ms = REQUEST_MS, .problem = true,
		.always = "X-Always: yes\r\n" };
	struct http_server *s = NULL;
	struct fault f = { 0 };
	uint16_t port;

	signal(SIGPIPE, SIG_IGN);
	is_int(http_events_new(100, LISTENERS / 2, &events), Q_OK, "events");
	is_int(http_server_start(&cfg, routes, ARRAY_LEN(routes), NULL, &s,
	    &f), Q_OK, "a server");
	port = http_server_port(s);
	cookies(port);
	bodies(port);
	paces(port);
	answers(port);
	problems(port);
	streams(port);
	http_server_stop(s);
	http_events_free(events);
	return done();
}
