// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "http/io.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/clock.h"

#define CHUNK_LINE_MAX 256
#define TRAILERS_MAX 4096

static bool
would_block(struct conn *c, int ret)
{
	int e = SSL_get_error(c->ssl, ret);

	return e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE;
}

ssize_t
io_read(struct conn *c, void *p, size_t cap)
{
	ssize_t n;
	size_t got = 0;

	if (c->ssl != NULL) {
		ERR_clear_error();
		n = SSL_read_ex(c->ssl, p, cap, &got);
		if (n == 1)
			return (ssize_t)got;
		return would_block(c, (int)n) ? IO_AGAIN : 0;
	}
	do
		n = recv(c->fd, p, cap, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? IO_AGAIN : 0;
	return n;
}

static bool
wait_for(struct conn *c, short events, int ms)
{
	struct pollfd pfd = { .fd = c->fd, .events = events };

	return poll(&pfd, 1, ms > 0 ? ms : 0) > 0;
}

bool
io_wait(struct conn *c, int ms)
{
	return wait_for(c, POLLIN, ms);
}

ssize_t
io_put(struct conn *c, const void *p, size_t len)
{
	ssize_t n;
	size_t put = 0;

	if (c->ssl != NULL) {
		ERR_clear_error();
		n = SSL_write_ex(c->ssl, p, len, &put);
		if (n == 1)
			return (ssize_t)put;
		return would_block(c, (int)n) ? IO_AGAIN : 0;
	}
	n = send(c->fd, p, len, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? IO_AGAIN : 0;
	return n;
}

bool
io_write(struct conn *c, const void *p, size_t len, int64_t deadline)
{
	const uint8_t *at = p;

	while (len > 0) {
		ssize_t n = io_put(c, at, len);

		if (n == 0)
			return false;
		if (n == IO_AGAIN) {
			int64_t left = deadline - clock_mono_ms();

			if (left <= 0 || !wait_for(c, POLLOUT, (int)left))
				return false;
			continue;
		}
		at += n;
		len -= (size_t)n;
	}
	return true;
}

void
io_finish(struct conn *c)
{
	if (c->ssl != NULL)
		SSL_shutdown(c->ssl);
	shutdown(c->fd, SHUT_WR);
}

void
io_break(struct conn *c)
{
	const struct linger reset = { .l_onoff = 1 };

	if (c->ssl != NULL)
		SSL_set_quiet_shutdown(c->ssl, 1);
	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

/* At least one byte at b->p: 0, 408 or -1. */
static int
body_fill(struct body_source *b)
{
	while (b->len == 0) {
		ssize_t n = io_read(b->c, b->chunk, sizeof(b->chunk));
		int64_t left;

		if (n == 0)
			return -1;
		if (n > 0) {
			b->p = b->chunk;
			b->len = (size_t)n;
			return 0;
		}
		left = b->deadline - clock_mono_ms();
		if (left <= 0 || !io_wait(b->c, (int)left))
			return 408;
	}
	return 0;
}

int
body_read_length(struct body_source *b, size_t len, struct buf *out)
{
	while (len > 0) {
		int r = body_fill(b);
		size_t n;

		if (r != 0)
			return r;
		n = b->len < len ? b->len : len;
		buf_put(out, b->p, n);
		if (out->bad)
			return 413;
		b->p += n;
		b->len -= n;
		len -= n;
	}
	return 0;
}

/* One line without its CRLF into out[cap], with a NUL. */
static int
body_line(struct body_source *b, char *out, size_t cap)
{
	size_t n = 0;

	for (;;) {
		int r = body_fill(b);
		char c;

		if (r != 0)
			return r;
		c = (char)*b->p++;
		b->len--;
		if (c == '\n' && n > 0 && out[n - 1] == '\r') {
			out[n - 1] = '\0';
			return 0;
		}
		if (n + 1 >= cap || c == '\0' || c == '\n' ||
		    (n > 0 && out[n - 1] == '\r'))
			return 400;
		out[n++] = c;
	}
}

/* 1*HEXDIG, then nothing or an extension. */
static bool
chunk_size(const char *line, size_t *ret_size)
{
	size_t n = strspn(line, "0123456789abcdefABCDEF"), v = 0;

	if (n == 0 || n > 8 ||
	    (line[n] != '\0' && strchr("; \t", line[n]) == NULL))
		return false;
	for (size_t i = 0; i < n; i++)
		v = v << 4 | (size_t)(line[i] <= '9' ? line[i] - '0'
						     : (line[i] | 32) - 'a' + 10);
	*ret_size = v;
	return true;
}

/* Up to the empty line; they are dropped. */
static int
body_trailers(struct body_source *b)
{
	char line[CHUNK_LINE_MAX];
	size_t n = 0;
	int r;

	do {
		r = body_line(b, line, sizeof(line));
		n += r == 0 ? strlen(line) : 0;
	} while (r == 0 && line[0] != '\0' && n < TRAILERS_MAX);
	return r == 0 && n >= TRAILERS_MAX ? 400 : r;
}

int
body_read_chunked(struct body_source *b, struct buf *out)
{
	char line[CHUNK_LINE_MAX];
	size_t size = 0;
	int r;

	do {
		r = body_line(b, line, sizeof(line));
		if (r == 0 && !chunk_size(line, &size))
			r = 400;
		if (r == 0 && size > out->max - out->len)
			r = 413;
		if (r == 0 && size > 0)
			r = body_read_length(b, size, out);
		if (r == 0 && size > 0)
			r = body_line(b, line, sizeof(line));
		if (r == 0 && size > 0 && line[0] != '\0')
			r = 400;
	} while (r == 0 && size > 0);
	return r == 0 ? body_trailers(b) : r;
}

/* The next chunk's head, behind the end of the one before. */
static int
chunk_begin(struct body_source *b)
{
	char line[CHUNK_LINE_MAX];
	size_t size = 0;
	int r = 0;

	if (b->begun) {
		r = body_line(b, line, sizeof(line));
		if (r == 0 && line[0] != '\0')
			r = 400;
	}
	if (r == 0)
		r = body_line(b, line, sizeof(line));
	if (r == 0 && !chunk_size(line, &size))
		r = 400;
	b->begun = true;
	b->left = size;
	if (r != 0 || size > 0)
		return r;
	b->ended = true;
	return body_trailers(b);
}

int
body_read_some(struct body_source *b, void *p, size_t cap, size_t *ret_n)
{
	static const char go[] = "HTTP/1.1 100 Continue\r\n\r\n";
	int r = 0;

	*ret_n = 0;
	if (!b->chunked && b->left > b->max - b->seen)
		return 413;
	if (b->wants_go && b->len == 0 && !b->ended &&
	    !io_write(b->c, go, sizeof(go) - 1, b->deadline))
		return -1;
	b->wants_go = false;
	if (b->chunked && b->left == 0 && !b->ended)
		r = chunk_begin(b);
	if (r == 0 && !b->ended)
		r = body_fill(b);
	if (r != 0 || b->ended)
		return r;
	if (cap > b->len)
		cap = b->len;
	if (cap > b->left)
		cap = (size_t)b->left;
	if (cap > b->max - b->seen)
		return 413;
	memcpy(p, b->p, cap);
	b->p += cap;
	b->len -= cap;
	b->left -= cap;
	b->seen += cap;
	b->ended = !b->chunked && b->left == 0;
	*ret_n = cap;
	return 0;
}
