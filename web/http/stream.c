// SPDX-License-Identifier: Apache-2.0
/* Bodies in pieces, from the peer and to it. */
#include "config.h"

#include "http/stream.h"

#include <stdio.h>

#include "base/clock.h"
#include "http/head.h"
#include "http/io.h"
#include "http/park.h"

#define PIECE_MAX (1U << 20)
/* Bytes in a millisecond: who is slower on the average is cut off, at once or
 * when others wait for a worker. */
#define PACE 16
#define BRISK 256

/* The peer is waited for from now on, and until what is returned. */
static int64_t
pace_wait(struct pace *p, int64_t now)
{
	park_waits(p->park, p->c, now - (int64_t)(p->late / BRISK));
	return now + p->grace_ms - (int64_t)(p->debt / PACE);
}

static uint64_t
debt_after(uint64_t debt, uint64_t waited, uint64_t moved)
{
	debt += waited;
	return debt > moved ? debt - moved : 0;
}

/* It was waited for since then, and has sent or taken n bytes. */
static void
pace_moved(struct pace *p, int64_t since, size_t n)
{
	uint64_t waited = (uint64_t)(clock_mono_ms() - since);

	park_waits(p->park, p->c, 0);
	p->debt = debt_after(p->debt, waited * PACE, n);
	p->late = debt_after(p->late, waited * BRISK, n);
}

void
stream_in_begin(struct body_source *b, const struct http_head *h,
    uint64_t max)
{
	b->chunked = h->chunked;
	b->left = h->chunked || h->content_length < 0 ? 0
	    : (uint64_t)h->content_length;
	b->ended = !h->chunked && b->left == 0;
	b->wants_go = h->expect_continue;
	b->max = max;
}

enum q_err
http_body_read(const struct http_request *rq, void *p, size_t cap,
    size_t *ret_n, struct fault *f)
{
	struct body_source *b = rq->stream;
	int64_t now = clock_mono_ms();
	size_t n = 0;

	if (b->failed == 0) {
		b->deadline = pace_wait(&b->pace, now);
		b->failed = body_read_some(b, p, cap, &n);
		pace_moved(&b->pace, now, n);
	}
	switch (b->failed) {
	case 0:
		*ret_n = n;
		return Q_OK;
	case 400:
		return fault_set(f, Q_PROTO, "malformed chunk in body");
	case 408:
		return fault_set(f, Q_TIMEOUT, "request took too long");
	case 413:
		return fault_set(f, Q_TOOBIG, "request body is too large");
	default:
		return fault_set(f, Q_IO, "the peer is gone");
	}
}

void
http_response_stream(struct http_response *rs,
    enum q_err (*more)(void *ctx, struct buf *piece, bool *ret_end),
    void (*release)(void *ctx), void *ctx)
{
	rs->more = more;
	rs->release = release;
	rs->more_ctx = ctx;
}

static bool
out_write(struct pace *pace, const struct buf *out)
{
	int64_t now = clock_mono_ms();
	int64_t deadline = pace_wait(pace, now) + (int64_t)(out->len / PACE);
	bool good = !out->bad && io_write(pace->c, out->p, out->len, deadline);

	pace_moved(pace, now, out->len);
	return good;
}

/* The next piece into out, framed; false when there is none to be had. */
static bool
piece_next(struct http_response *rs, struct buf *piece, struct buf *out,
    bool chunked, bool *ret_end)
{
	buf_reset(piece);
	buf_reset(out);
	if (rs->more(rs->more_ctx, piece, ret_end) != Q_OK || piece->bad)
		return false;
	if (chunked && piece->len != 0)
		buf_printf(out, "%zx\r\n", piece->len);
	buf_put(out, piece->p, piece->len);
	if (chunked && piece->len != 0)
		buf_puts(out, "\r\n");
	if (chunked && *ret_end)
		buf_puts(out, "0\r\n\r\n");
	return true;
}

bool
stream_out(struct pace *pace, struct http_response *rs, struct buf *out,
    bool chunked)
{
	AUTO_BUF struct buf piece = BUF_INIT(PIECE_MAX);
	bool end = rs->more == NULL, good = out_write(pace, out);

	while (good && !end)
		good = piece_next(rs, &piece, out, chunked, &end) &&
		    out_write(pace, out);
	if (!good)
		io_break(pace->c);
	return good;
}
