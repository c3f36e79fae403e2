// SPDX-License-Identifier: Apache-2.0
#ifndef X509_DER_H
#define X509_DER_H

/*
 * Reading DER (X.690): definite, minimal lengths only, one-byte tags only.
 * A reader is a window on borrowed bytes with a sticky failure: get as much
 * as you like and ask der_done() once. Everything returned is borrowed from
 * the input.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define DER_BOOLEAN 0x01
#define DER_INTEGER 0x02
#define DER_BIT_STRING 0x03
#define DER_OCTET_STRING 0x04
#define DER_NULL 0x05
#define DER_OID 0x06
#define DER_ENUMERATED 0x0a
#define DER_UTF8_STRING 0x0c
#define DER_PRINTABLE_STRING 0x13
#define DER_T61_STRING 0x14
#define DER_IA5_STRING 0x16
#define DER_UTC_TIME 0x17
#define DER_GENERALIZED_TIME 0x18
#define DER_SEQUENCE 0x30
#define DER_SET 0x31
#define DER_CTX(n) (0x80 | (n))		/* [n] primitive */
#define DER_CTX_CONS(n) (0xa0 | (n))	/* [n] constructed */

/* Nesting that der_valid accepts; a certificate needs about nine. */
#define DER_DEPTH_MAX 16

struct der {
	const uint8_t *p;
	size_t left;
	bool bad;
};

/* A reader over b. */
struct der der_over(struct bytes b);

/* Whether everything was read and nothing failed. */
bool der_done(const struct der *d);

/* Whether the next element has this tag; false at the end. */
bool der_next_is(const struct der *d, uint8_t tag);

/* The next element, which must have this tag: its contents, itself with tag
 * and length, a reader over its contents. {NULL, 0} or a failed reader when
 * it does not. der_any takes whatever comes (der_any with its header). */
struct bytes der_get(struct der *d, uint8_t tag);
struct bytes der_get_whole(struct der *d, uint8_t tag);
struct der der_enter(struct der *d, uint8_t tag);
struct bytes der_any(struct der *d, uint8_t *ret_tag);

/* BOOLEAN; 00 or ff only (X.690 11.1). */
bool der_get_bool(struct der *d);

/* INTEGER >= 0, minimal: its magnitude without the sign octet (zero is one
 * 00 octet). */
struct bytes der_get_uint(struct der *d);

/* The same when it fits 64 bits. */
uint64_t der_get_u64(struct der *d);

/* BIT STRING of whole octets. */
struct bytes der_get_bits(struct der *d);

/* Named-bit BIT STRING of at most 16 bits, bit 0 in the lowest place,
 * without trailing zero bits (X.690 11.2.2). */
uint16_t der_get_flags(struct der *d);

/* UTCTime or GeneralizedTime in the one form that RFC 5280 4.1.2.5 allows
 * (UTCTime through 2049), as seconds since 1970 UTC. */
int64_t der_get_time(struct der *d);

/* GeneralizedTime of any year as whole seconds in UTC, as RFC 6960 has it. */
int64_t der_get_generalized(struct der *d);

/* Whether b is exactly one element, well formed all the way down: lengths,
 * depth, and the values of BOOLEAN, INTEGER, NULL, OID and BIT STRING. */
bool der_valid(struct bytes b);

/* Byte-wise equality. */
bool bytes_equal(struct bytes a, struct bytes b);

#endif
