// SPDX-License-Identifier: Apache-2.0
#ifndef HTTP_IO_H
#define HTTP_IO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "http/peers.h"

#define IO_AGAIN (-1)

/* What is there now, through TLS or not: > 0 bytes, 0 at the end or on an
 * error, IO_AGAIN when nothing is. */
ssize_t io_read(struct conn *c, void *p, size_t cap);

/* Wait up to ms for something to read; false when nothing came. */
bool io_wait(struct conn *c, int ms);

/* What can be written now: > 0 bytes, 0 when the peer is gone, IO_AGAIN. */
ssize_t io_put(struct conn *c, const void *p, size_t len);

/* All of it before the deadline (clock_mono_ms), or false. */
bool io_write(struct conn *c, const void *p, size_t len, int64_t deadline);

/* Say that nothing more will be sent. */
void io_finish(struct conn *c);

/* When it is closed, let the peer see that this was not the end. */
void io_break(struct conn *c);

struct park;

/*
 * How the peer of a long body keeps up, either way. What it is waited for
 * makes debts, in bytes; what it sends or takes pays them back, and nothing
 * is saved up.
 */
struct pace {
	struct park *park;
	struct conn *c;
	unsigned grace_ms;
	uint64_t debt; /* at the slowest pace: over grace_ms it is too late */
	uint64_t late; /* at the one that holds nobody up */
};

/* The body of a request. Start with the bytes that came with the head. */
struct body_source {
	struct conn *c;
	int64_t deadline;
	const uint8_t *p; /* not yet used */
	size_t len;
	uint8_t chunk[4096]; /* p points here after the first read */
	/* Of a body that is read piece by piece. */
	bool chunked, ended, begun, wants_go;
	int failed; /* what body_read_some() returned, if not 0 */
	uint64_t left; /* of the body, or of its chunk */
	uint64_t seen, max;
	struct pace pace;
};

/* Append exactly len bytes, or everything of the chunked coding (RFC 9112
 * 7.1; extensions and trailers are dropped). Returns 0, or the status to
 * answer with: 400, 408, 413 (over out->max), or -1 when the peer is gone. */
int body_read_length(struct body_source *b, size_t len, struct buf *out);
int body_read_chunked(struct body_source *b, struct buf *out);

/* The next piece of a body, up to cap bytes, into p: 0, or as above. *ret_n
 * is 0 at the end. */
int body_read_some(struct body_source *b, void *p, size_t cap,
    size_t *ret_n);

#endif
