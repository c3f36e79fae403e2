// SPDX-License-Identifier: Apache-2.0
/* Bodies in pieces, from the peer and to it. */
#include "config.h"

#include "http/stream.h"

#include <stdio.h>

#include "base/clock.h"
#include "http/head.h"
#include "http/io.h"
#include "http/reply.h"

#define PIECE_MAX (1U << 20)
#define WRITE_PACE 16 /* bytes in a millisecond */

void
stream_in_begin(struct body_source *b, const struct http_head *h,
    uint64_t max, unsigned grace_ms)
{
	b->chunked = h->chunked;
	b->left = h->chunked || h->content_length < 0 ? 0
	    : (uint64_t)h->content_length;
	b->ended = !h->chunked && b->left == 0;
	b->begun = false;
	b->wants_go = h->expect_continue;
	b->seen = 0;
	b->max = max;
	b->since = clock_mono_ms();
	b->grace = grace_ms;
}

enum q_err
http_body_read(const struct http_request *rq, void *p, size_t cap,
    size_t *ret_n, struct fault *f)
{
	switch (body_read_some(rq->stream, p, cap, ret_n)) {
	case 0:
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
piece_write(struct conn *c, struct buf *out, const struct buf *piece,
    bool chunked, unsigned grace_ms)
{
	int64_t deadline = clock_mono_ms() + grace_ms +
	    (int64_t)(piece->len / WRITE_PACE);

	buf_reset(out);
	if (chunked)
		buf_printf(out, "%zx\r\n", piece->len);
	buf_put(out, piece->p, piece->len);
	if (chunked)
		buf_puts(out, "\r\n");
	return !out->bad && io_write(c, out->p, out->len, deadline);
}

bool
stream_out(struct conn *c, struct http_response *rs, struct buf *out,
    bool chunked, unsigned grace_ms)
{
	AUTO_BUF struct buf piece = BUF_INIT(PIECE_MAX);
	static const char last[] = "0\r\n\r\n";
	bool end = false;

	while (!end) {
		buf_reset(&piece);
		if (rs->more(rs->more_ctx, &piece, &end) != Q_OK || piece.bad)
			return false;
		if (piece.len != 0 &&
		    !piece_write(c, out, &piece, chunked, grace_ms))
			return false;
	}
	return !chunked || io_write(c, last, sizeof(last) - 1,
	    clock_mono_ms() + grace_ms);
}
