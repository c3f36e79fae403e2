// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "http/worker.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/own.h"
#include "http/head.h"
#include "http/io.h"
#include "http/reply.h"
#include "http/route.h"
#include "http/stream.h"

/* How long it waits for another connection before it sleeps. */
#define LINGER_MS 10
/* After an early refusal, what is still coming is taken in for so long, or
 * the answer would be lost to a reset. */
#define DRAIN_MS 1000
#define DRAIN_MAX (1U << 20)
/* The slowest reader of a response, in bytes per millisecond. */
#define WRITE_PACE 16
#define RESPONSE_MAX (256U << 20)
#define PROBLEM_MAX (1U << 20)
/* Bodies up to this leave together with the head, in one write. */
#define TOGETHER_MAX 65536

static void *
worker_start(void *ctx)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (w == NULL)
		abort();
	w->s = ctx;
	w->body = (struct buf)BUF_INIT(0);
	w->out = (struct buf)BUF_INIT(RESPONSE_MAX);
	w->allow = (struct buf)BUF_INIT(128);
	w->rs.body = (struct buf)BUF_INIT(RESPONSE_MAX);
	w->rs.headers = (struct buf)BUF_INIT(8192);
	w->rs.problem_more = (struct buf)BUF_INIT(PROBLEM_MAX);
	return w;
}

static void
worker_stop(void *arg)
{
	struct worker *w = arg;

	buf_free(&w->body);
	buf_free(&w->out);
	buf_free(&w->allow);
	buf_free(&w->rs.body);
	buf_free(&w->rs.headers);
	buf_free(&w->rs.problem_more);
	free(w);
}

void
worker_leave(struct worker *w, enum park_fate fate)
{
	atomic_store(&w->c->slow_since, 0);
	w->c = park_next(w->s->park, w->c, fate);
}

void
worker_close(struct worker *w)
{
	worker_leave(w, PARK_CLOSE);
}

void
worker_park(struct worker *w, const void *p, size_t n, bool ready)
{
	struct conn *c = w->c;

	if (n > 0) {
		c->ahead = malloc(n);
		if (c->ahead == NULL) {
			worker_close(w);
			return;
		}
		memcpy(c->ahead, p, n);
		c->ahead_len = n;
	}
	worker_leave(w, ready ? PARK_READY : PARK_WAIT);
}

static void
response_done(struct http_response *rs)
{
	if (rs->release != NULL)
		rs->release(rs->more_ctx);
	rs->release = NULL;
	rs->more = NULL;
}

static struct pace
worker_pace(struct worker *w)
{
	return (struct pace){ .park = w->s->park, .c = w->c,
		.grace_ms = w->s->cfg.request_ms };
}

/* An answer whose length is not known: in pieces, or as a stream of events.
 * Returns whether the connection may be used again. */
static bool
worker_reply_open(struct worker *w, bool keep)
{
	struct http_response *rs = &w->rs;
	bool chunked = w->head.version_1_1 && rs->events == NULL, good;
	struct pace pace = worker_pace(w);

	buf_reset(&w->out);
	http_reply_head_open(&w->out, rs, rs->status != 0 ? rs->status : 200,
	    chunked, keep && chunked, w->s->cfg.always);
	if (w->head.head)
		response_done(rs);
	else if (rs->events != NULL)
		buf_put(&w->out, rs->body.p, rs->body.len);
	good = stream_out(&pace, rs, &w->out, chunked);
	atomic_fetch_add(&w->s->requests, 1);
	if (!good || w->head.head)
		rs->events = NULL;
	return good && keep && chunked;
}

/* Send w->rs. Returns whether the connection may be used again. */
static bool
worker_reply(struct worker *w, bool keep)
{
	struct http_response *rs = &w->rs;
	int64_t deadline;
	bool good, together;
	size_t body;
	int status = rs->status;

	if (rs->body.bad || rs->headers.bad) {
		response_done(rs);
		rs->events = NULL;
		buf_reset(&rs->headers);
		buf_reset(&rs->problem_more);
		rs->problem_type = NULL;
		http_reply_error(rs, 500, http_reason(500),
		    w->s->cfg.problem);
		status = 500;
	}
	if (rs->more != NULL || rs->events != NULL)
		return worker_reply_open(w, keep);
	if (status == 0)
		status = rs->body.len != 0 ? 200 : 204;
	body = w->head.head || status == 204 || status == 304 ? 0
							      : rs->body.len;
	buf_reset(&w->out);
	http_reply_head(&w->out, rs, status, keep, w->s->cfg.always);
	together = body <= TOGETHER_MAX && !rs->secret;
	if (together)
		buf_put(&w->out, rs->body.p, body);
	if (w->out.bad)
		return false;
	deadline = clock_mono_ms() + w->s->cfg.request_ms +
	    (int64_t)(body / WRITE_PACE);
	atomic_store(&w->c->slow_since, clock_mono_ms());
	good = io_write(w->c, w->out.p, w->out.len, deadline) &&
	    (together || io_write(w->c, rs->body.p, body, deadline));
	atomic_store(&w->c->slow_since, 0);
	atomic_fetch_add(&w->s->requests, 1);
	if (rs->secret)
		buf_free(&rs->body);
	return good && keep;
}

/* Of a body that was not read to its end, and that the peer is still sending,
 * something is taken in, or the answer would be lost to a reset. */
static void
worker_drain(struct worker *w)
{
	int64_t until = clock_mono_ms() + DRAIN_MS;
	size_t drained = 0;
	char sink[4096];

	io_finish(w->c);
	while (drained < DRAIN_MAX && !park_pressed(w->s->park)) {
		ssize_t n = recv(w->c->fd, sink, sizeof(sink), 0);
		int64_t left = until - clock_mono_ms();

		if (n == 0 || left <= 0 || (n < 0 && !io_wait(w->c, (int)left)))
			break;
		drained += n > 0 ? (size_t)n : 0;
	}
	worker_close(w);
}

void
worker_refuse(struct worker *w, int status, const char *why, bool problem)
{
	http_reply_error(&w->rs, status, why,
	    problem || w->s->cfg.problem);
	worker_reply(w, false);
	worker_drain(w);
}

static void
remote_text(const struct sockaddr_storage *a, char out[INET6_ADDRSTRLEN])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;

	if (a->ss_family == AF_INET)
		inet_ntop(AF_INET, &v4->sin_addr, out, INET6_ADDRSTRLEN);
	else if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, out,
		    INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, &v6->sin6_addr, out, INET6_ADDRSTRLEN);
}

static size_t
worker_take(void *arg, int fd, char *buf, size_t cap, struct ssl_st **ret_ssl)
{
	struct worker *w = arg;

	w->c = park_conn(w->s->park, fd);
	while (w->c != NULL && !worker_begin(w, buf, cap))
		continue;
	if (w->c == NULL)
		return 0;
	*ret_ssl = w->c->ssl;
	return w->in_len;
}

static void
wipe(const uint8_t *p, size_t len)
{
	if (len != 0)
		explicit_bzero((void *)(uintptr_t)p, len);
}

/* Passwords and private keys come in bodies: where they were read to has
 * nothing of them any more, but of the next request. */
static void
worker_forget(struct worker *w)
{
	const struct body_source *b = &w->source;
	const uint8_t *behind = w->in + w->head_len;
	const uint8_t *end = b->chunk + sizeof(b->chunk);
	size_t ahead = w->in_len - w->head_len;

	if (b->p >= b->chunk && b->p <= end) {
		wipe(b->chunk, (size_t)(b->p - b->chunk));
		wipe(b->p + b->len, (size_t)(end - b->p) - b->len);
	} else {
		ahead = (size_t)(b->p - behind);
	}
	wipe(behind, ahead);
}

/* The body into w->body; false when that was refused. */
static bool
worker_body(struct worker *w, uint64_t max, bool problem)
{
	static const char go[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct http_head *h = &w->head;
	struct body_source *b = &w->source;
	int r = 0;

	buf_reset(&w->body);
	w->body.max = max;
	*b = (struct body_source){ .c = w->c, .p = w->in + w->head_len,
		.len = w->in_len - w->head_len,
		.deadline = clock_mono_ms() + w->s->cfg.request_ms };
	if (h->content_length > (int64_t)max)
		r = 413;
	else if (h->expect_continue && b->len == 0 &&
	    (h->chunked || h->content_length > 0) &&
	    !io_write(w->c, go, sizeof(go) - 1, b->deadline))
		r = -1;
	else if (h->chunked)
		r = body_read_chunked(b, &w->body);
	else if (h->content_length > 0)
		r = body_read_length(b, (size_t)h->content_length, &w->body);
	if (w->body.len != 0)
		worker_forget(w);
	if (r == 413)
		worker_refuse(w, r, "request body is too large", problem);
	else if (r == 408)
		worker_refuse(w, r, "request took too long", problem);
	else if (r == 400)
		worker_refuse(w, r, "malformed chunk in body", problem);
	else if (r != 0)
		worker_close(w);
	return r == 0;
}

/* The handler reads the body. */
static void
worker_body_open(struct worker *w, uint64_t max)
{
	w->body.len = 0;
	w->source = (struct body_source){ .c = w->c,
		.p = w->in + w->head_len, .len = w->in_len - w->head_len,
		.pace = worker_pace(w) };
	stream_in_begin(&w->source, &w->head, max);
}

static void
worker_fault(struct worker *w, enum q_err e, const struct fault *f,
    bool problem)
{
	char number[16];
	/* What was too slow is the client, not somebody behind us. */
	int status = e == Q_TIMEOUT && w->source.failed == 408 ? 408
							: q_err_http(e);

	buf_reset(&w->rs.headers);
	http_reply_error(&w->rs, status, fault_text(f, e),
	    problem || w->s->cfg.problem);
	if (f->retry_after != 0) {
		snprintf(number, sizeof(number), "%u", f->retry_after);
		http_response_header(&w->rs, "Retry-After", number);
	}
	if (e == Q_UNAUTH && w->s->cfg.realm != NULL) {
		AUTO_BUF struct buf v = BUF_INIT(512);

		buf_printf(&v, "Basic realm=\"%s\", charset=\"UTF-8\"",
		    w->s->cfg.realm);
		if (!v.bad)
			http_response_header(&w->rs, "WWW-Authenticate",
			    (const char *)v.p);
		buf_reset(&v);
		buf_printf(&v, "Bearer realm=\"%s\"", w->s->cfg.realm);
		if (!v.bad)
			http_response_header(&w->rs, "WWW-Authenticate",
			    (const char *)v.p);
	}
}

static void
worker_handle(struct worker *w, const struct http_match *m, bool problem)
{
	struct http_response *rs = &w->rs;
	struct http_request rq = { .method = w->head.method,
		.path = w->head.path, .query = w->head.query,
		.param = { m->param[0], m->param[1] },
		.content_type = w->head.content_type,
		.body = { w->body.p, w->body.len }, .remote = w->remote,
		.route = m->route, .ssl = w->c->ssl, .slot = &w->c->slot,
		.stream = &w->source,
		.head = &w->head };
	struct fault f = { .code = Q_OK };
	enum q_err e;

	if (rq.body.p == NULL)
		rq.body.p = (const uint8_t *)"";
	if (rq.ssl != NULL)
		rq.peer_cert = SSL_get0_peer_certificate(rq.ssl);
	remote_text(&w->c->addr, w->remote);
	rs->status = 0;
	rs->content_type = NULL;
	rs->secret = rs->close = false;
	e = m->route->handler(w->s->ctx, &rq, rs, &f);
	if (e == Q_OK)
		return;
	response_done(rs);
	rs->events = NULL;
	worker_fault(w, e, &f, problem);
}

/* Keep the connection, or not; bytes behind this request belong to the
 * next. */
static void
worker_next(struct worker *w, bool keep)
{
	const struct body_source *b = &w->source;
	struct conn *c = w->c;

	if (!keep) {
		worker_close(w);
		return;
	}
	c->deadline = clock_mono_ms() + w->s->cfg.idle_ms;
	worker_park(w, b->p, b->len, b->len > 0 ||
	    (c->ssl != NULL && SSL_has_pending(c->ssl)));
}

/* Send what the handler has made; the connection goes on, or away. */
static void
worker_answer(struct worker *w, bool unread)
{
	bool keep = worker_reply(w, w->head.keep_alive && !w->rs.close &&
	    !unread);
	struct conn *c = w->c;

	response_done(&w->rs);
	if (w->rs.events != NULL && !unread) {
		worker_leave(w, PARK_AWAY);
		events_take(w->rs.events, c, w->rs.tag);
		return;
	}
	if (unread)
		worker_drain(w);
	else
		worker_next(w, keep);
}

/* Answer the request whose head has been read, and leave its connection. */
static void
worker_serve(struct worker *w)
{
	struct http_match m = { .allow = &w->allow };
	bool problem, body = w->head.chunked || w->head.content_length > 0;
	uint64_t max = w->s->cfg.body_max;
	int no;

	buf_reset(&w->allow);
	http_route_find(w->s->routes, w->s->n_routes, w->head.method,
	    w->head.path, w->scratch, &m);
	problem = m.route != NULL && (m.route->flags & HTTP_PROBLEM) != 0;
	if (w->head.odd.status != 0 && (m.route == NULL || !m.rest)) {
		worker_refuse(w, w->head.odd.status, w->head.odd.why, problem);
		return;
	}
	if (m.route == NULL) {
		no = w->allow.len != 0 ? 405 : 404;
		if (no == 405)
			http_response_header(&w->rs, "Allow",
			    (const char *)w->allow.p);
		if (body) {
			worker_refuse(w, no, http_reason(no), false);
			return;
		}
		w->source.p = w->in + w->head_len;
		w->source.len = w->in_len - w->head_len;
		http_reply_error(&w->rs, no, http_reason(no),
		    w->s->cfg.problem);
		worker_next(w, worker_reply(w, w->head.keep_alive));
		return;
	}
	if (m.route->body_max != 0)
		max = m.route->body_max;
	if (m.route->flags & HTTP_STREAM)
		worker_body_open(w, max);
	else if (!worker_body(w, max, problem))
		return;
	atomic_store(&w->c->slow_since, 0);
	worker_handle(w, &m, problem);
	wipe(w->body.p, w->body.len);
	worker_answer(w, (m.route->flags & HTTP_STREAM) != 0 &&
	    !w->source.ended);
}

/* As long as there are connections for a worker. */
static void
worker_go_on(struct worker *w)
{
	while (w->c != NULL ||
	    (w->c = park_poll(w->s->park, LINGER_MS)) != NULL)
		if (worker_begin(w, w->space, sizeof(w->space)))
			worker_serve(w);
}

static void
worker_request(void *arg)
{
	worker_serve(arg);
	worker_go_on(arg);
}

static void
worker_refused(void *arg, int status)
{
	struct worker *w = arg;

	if (w->c != NULL)
		worker_refuse(w, status, http_reason(status), false);
	worker_go_on(w);
}

static void
worker_done(void *arg)
{
	struct worker *w = arg;

	if (w->c != NULL)
		worker_close(w);
	worker_go_on(w);
	park_worker_free(w->s->park);
}

const struct cw_ops http_worker_ops = {
	.thread_start = worker_start,
	.thread_stop = worker_stop,
	.take = worker_take,
	.request = worker_request,
	.refused = worker_refused,
	.done = worker_done,
};
