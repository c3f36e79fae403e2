// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "http/worker.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/clock.h"

/* How long a worker waits for what is probably under way, before the
 * connection is parked. */
#define GRACE_MS 20
/* The longest piece of a head that is parked rather than waited for. */
#define PIECE_MAX 4096

static bool
grace(struct worker *w)
{
	return io_wait(w->c, park_pressed(w->s->park) ? 0 : GRACE_MS);
}

/* Go on with the handshake: true when it is done. */
static bool
worker_handshake(struct worker *w)
{
	struct conn *c = w->c;
	int r;

	for (;;) {
		ERR_clear_error();
		r = SSL_do_handshake(c->ssl);
		if (r == 1)
			break;
		r = SSL_get_error(c->ssl, r);
		if (r != SSL_ERROR_WANT_READ && r != SSL_ERROR_WANT_WRITE) {
			worker_close(w);
			return false;
		}
		if (clock_mono_ms() >= c->deadline) {
			worker_close(w);
			return false;
		}
		if (!grace(w)) {
			worker_park(w, NULL, 0, false);
			return false;
		}
	}
	c->deadline = clock_mono_ms() + w->s->cfg.request_ms;
	atomic_fetch_add(&w->s->handshakes, 1);
	if (SSL_session_reused(c->ssl))
		atomic_fetch_add(&w->s->resumed, 1);
	return true;
}

static bool
worker_tls(struct worker *w)
{
	struct conn *c = w->c;
	SSL_CTX *ctx;

	if (c->ssl == NULL) {
		ctx = http_server_tls(w->s);
		c->ssl = SSL_new(ctx);
		SSL_CTX_free(ctx);
		if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1) {
			worker_close(w);
			return false;
		}
		SSL_set_accept_state(c->ssl);
		c->deadline = clock_mono_ms() + w->s->cfg.request_ms;
	}
	return SSL_is_init_finished(c->ssl) || worker_handshake(w);
}

/* RFC 9112 2.2: an empty line before the request is passed over. */
static size_t
skip_empty_line(char *buf, size_t n)
{
	if (n < 2 || buf[0] != '\r' || buf[1] != '\n')
		return n;
	memmove(buf, buf + 2, n - 2);
	return n - 2;
}

/* Nothing more is there for the moment. False when the worker is rid of the
 * connection. */
static bool
worker_wait(struct worker *w, const char *buf, size_t n)
{
	int64_t left = w->c->deadline - clock_mono_ms();

	if (left <= 0 && n > 0) {
		worker_refuse(w, 408, "request took too long", false);
		return false;
	}
	if (left <= 0) {
		worker_close(w);
		return false;
	}
	if (n > PIECE_MAX ? io_wait(w->c, (int)left) : grace(w))
		return true;
	if (n > PIECE_MAX)
		return true; /* its time is over: seen next time round */
	worker_park(w, buf, n, false);
	return false;
}

/* A whole head into buf. Its length with what came behind it, or 0. */
static size_t
worker_read_head(struct worker *w, char *buf, size_t cap)
{
	struct conn *c = w->c;
	size_t n = c->ahead_len;
	struct http_refusal no;

	if (n > 0)
		memcpy(buf, c->ahead, n);
	free(c->ahead);
	c->ahead = NULL;
	c->ahead_len = 0;
	for (;;) {
		ssize_t got;

		n = skip_empty_line(buf, n);
		no = http_head_end((const uint8_t *)buf, n, &w->head_len);
		if (no.status != 0) {
			worker_refuse(w, no.status, no.why, false);
			return 0;
		}
		if (w->head_len > 0)
			return n;
		if (c->late)
			c->deadline = 0;
		got = c->late ? IO_AGAIN : io_read(c, buf + n, cap - n);
		if (got == 0) {
			worker_close(w);
			return 0;
		}
		if (got == IO_AGAIN && !worker_wait(w, buf, n))
			return 0;
		if (got > 0 && n == 0)
			c->deadline = clock_mono_ms() + w->s->cfg.request_ms;
		n += got > 0 ? (size_t)got : 0;
	}
}

bool
worker_begin(struct worker *w, char *buf, size_t cap)
{
	struct http_refusal no;
	size_t n;

	w->head.head = false;
	w->rs.secret = false;
	w->rs.problem_type = NULL;
	w->rs.more = NULL;
	w->rs.release = NULL;
	w->rs.events = NULL;
	buf_reset(&w->rs.body);
	buf_reset(&w->rs.headers);
	buf_reset(&w->rs.problem_more);
	atomic_store(&w->c->slow_since, clock_mono_ms());
	if (w->s->cfg.tls != NULL && !worker_tls(w))
		return false;
	n = worker_read_head(w, buf, cap);
	if (n == 0)
		return false;
	no = http_head_parse((const uint8_t *)buf, w->head_len, &w->head);
	if (no.status != 0) {
		worker_refuse(w, no.status, no.why, false);
		return false;
	}
	w->in = (const uint8_t *)buf;
	w->in_len = n;
	return true;
}

