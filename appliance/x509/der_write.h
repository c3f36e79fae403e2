// SPDX-License-Identifier: Apache-2.0
#ifndef X509_DER_WRITE_H
#define X509_DER_WRITE_H

/*
 * Writing DER forwards into a struct buf: der_begin leaves room for a one
 * byte length, der_end makes more when it was needed. Failures are sticky in
 * the buf. Used by what builds, never by what checks.
 */

#include "base/buf.h"
#include "x509/der.h"

/* Open an element; give the mark to der_end when its contents are put. */
size_t der_begin(struct buf *b, uint8_t tag);
void der_end(struct buf *b, size_t mark);

/* A whole element. */
void der_put(struct buf *b, uint8_t tag, const void *p, size_t len);
void der_put_bytes(struct buf *b, uint8_t tag, struct bytes v);
void der_put_str(struct buf *b, uint8_t tag, const char *s);
void der_put_bool(struct buf *b, bool v);
void der_put_u64(struct buf *b, uint64_t v);

/* INTEGER from a big-endian magnitude of any length. */
void der_put_uint(struct buf *b, const uint8_t *p, size_t len);

/* BIT STRING of whole octets, and of named bits (bit 0 lowest). */
void der_put_bits(struct buf *b, struct bytes v);
void der_put_flags(struct buf *b, uint16_t flags);

/* UTCTime through 2049, GeneralizedTime after (RFC 5280 4.1.2.5); years
 * 1950 to 9999, anything else fails the buf. */
void der_put_time(struct buf *b, int64_t t);

/* GeneralizedTime whatever the year; the same years. */
void der_put_generalized(struct buf *b, int64_t t);

#endif
