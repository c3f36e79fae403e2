// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_CODEC_H
#define BASE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Lower-case hex of len bytes and a NUL: out holds 2 * len + 1. */
void hex_encode(const uint8_t *in, size_t len, char *out);

/* Exactly len bytes from 2 * len hex digits of either case followed by NUL;
 * false, with out undefined, otherwise. */
bool hex_decode(const char *in, uint8_t *out, size_t len);

/* Whether s is len lower-case hex digits and nothing else. */
bool hex_is_lower(const char *s, size_t len);

/* RFC 4648 section 4. line: columns per line, each ended by LF (0: one line
 * without a newline). */
void b64_encode(struct buf *out, const uint8_t *in, size_t len, unsigned line);

/* The inverse: skips CR, LF, space and tab (RFC 8951 3.1), refuses every
 * other stray byte, wrong padding and non-zero rest bits. PROTO or TOOBIG. */
enum q_err b64_decode(struct buf *out, const char *in, size_t len) Q_CHECKED;

/* RFC 4648 section 5, without padding. PROTO or TOOBIG. */
void b64url_encode(struct buf *out, const uint8_t *in, size_t len);
enum q_err b64url_decode(struct buf *out, const char *in) Q_CHECKED;

/* Little-endian integers at any alignment. */
static inline uint32_t
le32_get(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

static inline uint64_t
le64_get(const uint8_t *p)
{
	return (uint64_t)le32_get(p) | (uint64_t)le32_get(p + 4) << 32;
}

static inline void
le32_put(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static inline void
le64_put(uint8_t *p, uint64_t v)
{
	le32_put(p, (uint32_t)v);
	le32_put(p + 4, (uint32_t)(v >> 32));
}

#endif
